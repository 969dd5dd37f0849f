"""The kernels' own memory: tensors that never meet, places used again, pages kept or given back."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from resnets.native import arena

pytestmark = pytest.mark.usefixtures("native_kernels")

LARGE = 1 << 20


def large(megabytes: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    return arena.images(megabytes, 16, 128, 512 // dtype.itemsize, dtype=dtype)


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def kept_as_before() -> Iterator[None]:
    yield
    arena.keep(wanted=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(2, 16, 3, 5), (1, 16, 200, 100), (3, 1, 700, 300), (5, 48, 1, 9000), (0, 16, 9, 9)])
def test_images_are_laid_out_as_torch_does(shape: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    found, wanted = (
        arena.images(*shape, dtype=dtype),
        torch.empty(shape, dtype=dtype, memory_format=torch.channels_last),
    )
    assert (found.shape, found.stride(), found.dtype) == (wanted.shape, wanted.stride(), wanted.dtype)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert found.data_ptr() % 64 == 0
    assert found.fill_(3).sum() == 3 * found.numel()


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans(), st.integers(0, 9)), max_size=30))
@settings(deadline=None, max_examples=30)
def test_living_tensors_never_meet(steps: list[tuple[int, bool, int]]) -> None:
    living: list[Tensor] = []
    for number, (megabytes, drops, which) in enumerate(steps):
        if drops and living:
            del living[which % len(living)]
        living.append(large(megabytes).fill_(number))
    numbers = [float(tensor.flatten()[0]) for tensor in living]
    assert len(set(numbers)) == len(living)
    assert all(bool((tensor == number).all()) for tensor, number in zip(living, numbers, strict=True))


def test_a_place_between_others_is_taken_by_the_next_of_its_size() -> None:
    tensors = [large(3) for _ in range(3)]
    place = tensors[1].data_ptr()
    del tensors[1]
    assert large(3).data_ptr() == place


def test_places_side_by_side_become_one() -> None:
    tensors = [large(2) for _ in range(5)]
    ends = tensors[0], tensors[4]
    place = tensors[1].data_ptr()
    for _ in range(3):
        del tensors[2 if len(tensors) == 5 else 1]  # the middle first, then the one before, then the one behind
    assert large(6).data_ptr() == place
    assert ends


def test_a_tensor_of_a_size_that_no_machine_has_is_an_error() -> None:
    for channels in (1 << 40, 1 << 50, 1 << 62):
        with pytest.raises(RuntimeError):
            arena.images(4, channels, 1, 1, dtype=torch.float32)


@pytest.mark.skipif(sys.platform != "linux", reason="counts the pages of a process as Linux shows them")
@pytest.mark.usefixtures("kept_as_before")
@pytest.mark.parametrize("keeps", [True, False])
def test_pages_are_kept_or_given_back(*, keeps: bool) -> None:
    arena.keep(wanted=False)
    arena.keep(wanted=keeps)
    before = resident()
    tensor = large(64).fill_(1)
    assert resident() - before > 60 * LARGE
    del tensor
    assert (resident() - before > 60 * LARGE) == keeps


@pytest.mark.skipif(sys.platform != "linux", reason="counts the pages of a process as Linux shows them")
@pytest.mark.usefixtures("kept_as_before")
def test_what_lives_stays_where_the_rest_is_given_back() -> None:
    first, second, third = (large(20).fill_(number) for number in range(3))
    before = resident()
    del second
    arena.keep(wanted=False)
    assert before - resident() > 15 * LARGE
    assert bool((first == 0).all())
    assert bool((third == 2).all())


def test_tensors_are_pickled_copied_and_shared_as_others_are() -> None:
    tensor = large().normal_()
    values = tensor.tolist()
    assert copy.deepcopy(tensor).tolist() == values
    assert pickle.loads(pickle.dumps(tensor)).tolist() == values  # noqa: S301  # made just now
    assert tensor.share_memory_().tolist() == values  # type: ignore[no-untyped-call]


def test_threads_take_and_give_at_once() -> None:
    def series(number: int) -> bool:
        tensors: list[Tensor] = []
        for step in range(50):
            tensors = [*tensors[-3:], large(1 + step % 3).fill_(number)]
        return all(bool((tensor == number).all()) for tensor in tensors)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(series, range(4)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_while_a_thread_takes_memory_takes_its_own() -> None:
    ends = threading.Event()

    def take() -> None:
        while not ends.is_set():
            large()

    mine, thread = large().fill_(1), threading.Thread(target=take)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if not child:
                arena.images(1, 16, 128, 256, dtype=torch.float32)
                mine.data_ptr()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        ends.set()
        thread.join()
    assert bool((mine == 1).all())


def test_a_tensor_may_outlive_the_interpreter() -> None:
    script = "import torch; from resnets.native import arena; x = arena.images(4, 16, 128, 256, dtype=torch.float32)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
