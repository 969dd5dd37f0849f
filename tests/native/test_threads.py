"""Threads and processes: the same bits in every run, from several threads at once, and in a forked child."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from native_oracle import network, random, step, threads

pytestmark = pytest.mark.usefixtures("native_kernels")


@pytest.mark.parametrize("count", [1, 2])
def test_a_step_gives_the_same_bits_each_time(count: int) -> None:
    model, x = network(), random(9, 3, 23, 18, seed=1).requires_grad_()
    with threads(count):
        first, second = (step(copy.deepcopy(model), x) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_several_threads_at_once_compute_what_each_does_alone() -> None:
    models = [copy.deepcopy(network()) for _ in range(4)]
    inputs = [random(5, 3, 20 + i, 17, seed=i).requires_grad_() for i in range(4)]
    alone = [step(copy.deepcopy(model), x) for model, x in zip(models, inputs, strict=True)]
    with ThreadPoolExecutor(4, initializer=torch.set_num_threads, initargs=(1,)) as pool:  # each has its own number
        together = list(pool.map(step, models, inputs))
    for mine, theirs in zip(together, alone, strict=True):
        assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


@torch.inference_mode()
@pytest.mark.parametrize("count", [1, 2])
def test_the_answer_for_an_image_does_not_depend_on_its_neighbours(count: int) -> None:
    model, x, other = network().eval(), random(7, 3, 19, 22, seed=1), random(7, 3, 19, 22, seed=2)
    other[3] = x[3]
    with threads(count):
        assert torch.equal(model(x)[3], model(other)[3])


FORK = """
    import os
    from native_oracle import network
    model, x = network().eval(), random(5, 3, 11, 14, seed=1)
    with torch.no_grad():
        before = model(x)
        child = os.fork()
        if not child:
            torch.set_num_threads(1)
            os._exit(0 if (model(x) - before).abs().max() < 1e-5 else 1)
    assert os.waitpid(child, 0)[1] == 0, "the child computed something else"
"""
FEWER = """
    from resnets.native.kernels import Kernel, weight_gradient
    from resnets.native.library import active
    x, dy, weight = random(9, 32, 23, 18, seed=1), random(9, 48, 23, 18, seed=2), random(48, 32, 3, 3, seed=3)
    found = []
    for count in (1, 2):  # PyTorch's own convolutions would wait for the second for ever
        torch.set_num_threads(count)
        found.append(weight_gradient(active(), x, dy, weight, Kernel(3, 1, 1)))
    assert torch.equal(*found), (found[0] - found[1]).abs().max()
"""


@pytest.mark.parametrize(
    ("script", "environment"), [(FORK, {}), (FEWER, {"OMP_THREAD_LIMIT": "1"})], ids=["fork", "fewer"]
)
def test_computes_where_threads_do_not_come(script: str, environment: dict[str, str]) -> None:
    """Neither in a forked child, where the parent's are gone, nor where the system gives fewer than are asked for."""
    start = """
        import sys, torch
        sys.path[:0] = sys.argv[1:]
        from native_oracle import random
        torch.set_num_threads(2)
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(start) + textwrap.dedent(script), *sys.path]
    run = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
