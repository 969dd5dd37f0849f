from __future__ import annotations

import copy
import json
import os
import pickle
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from resnets.errors import DataError
from resnets.inference.native.choices import Choices
from resnets.inference.native.measuring import cuts
from resnets.inference.native.network import MOST_PLANS, PlannedNetwork
from resnets.inference.native.operations import Convolution
from resnets.inference.native.steps import ConvolutionStep, Cut, LinearStep, Step
from resnets.models.build import build
from resnets.models.catalogue import CATALOGUE
from resnets.native import library
from resnets.native.accelerate import accelerate
from resnets.spec import ResNetSpec, Spec, replace
from small_twins import images_for, small

pytestmark = pytest.mark.skipif(library.status().variant is None, reason="no native kernels here")

TOLERANCE = 1e-4
TWINS = {(type(spec), getattr(spec, "norm", None)): name for name, spec in CATALOGUE.items()}
WIDE: dict[str, Spec] = {
    "basic": ResNetSpec(num_blocks=(1, 2), width=16, stem="small", num_classes=5),
    "bottleneck": ResNetSpec(num_blocks=(2, 1), block="bottleneck", width=16, num_classes=5),
    "pre-activation": ResNetSpec(
        num_blocks=(2, 1), width=16, ordering="full_preactivation", stem="small", num_classes=5
    ),
    "dense": replace(small(CATALOGUE["densenet121"]), growth=16, stem_width=16),
    "vgg": replace(small(CATALOGUE["vgg11_bn"]), width=16),
}


def _last(operation: Convolution) -> Cut:
    return cuts(operation)[-1]


def _first(operation: Convolution) -> Cut:
    return cuts(operation)[0]


def _none(_: Convolution) -> None:
    return None


class _Fixed:
    """Instead of a measurement: the first of the ways, the last one, or none."""

    def __init__(self, which: str) -> None:
        self.which = which

    def __call__(self, _: Any, operation: Convolution, *__: Any, **___: Any) -> Cut | None:
        return {"first": _first, "last": _last, "torch": _none}[self.which](operation)


def planned(model: nn.Module, folder: Path, which: str = "last") -> PlannedNetwork:
    return PlannedNetwork(model, choices=Choices(folder, measure=_Fixed(which)))


def network(spec: Spec) -> nn.Module:
    """A network whose norms have statistics of their own and whose answers are not zero."""
    model = build(spec, seed=0).eval()
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.copy_(torch.rand(module.num_features, generator=generator) - 0.5)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
    for parameter in model.parameters():
        if not parameter.any():  # Fixup's last layers answer zero at the start
            parameter.data.normal_(0, 0.1, generator=generator)
    return model


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def assert_equal_answers(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert float((found - expected).abs().max() / expected.abs().max()) < TOLERANCE


def steps_of(model: PlannedNetwork) -> list[Any]:
    return [step for plan in model._plans.values() if plan for step in plan.steps]


@torch.no_grad()
@pytest.mark.parametrize("name", TWINS.values())
def test_every_family_gives_its_own_answers(name: str, tmp_path: Path) -> None:
    spec = small(CATALOGUE[name])
    model, batch = network(spec), images_for(spec)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as eval has them
    found = planned(model, tmp_path)
    assert_equal_answers(found(batch), model(batch))
    assert steps_of(found)


@torch.no_grad()
@pytest.mark.parametrize("which", ["first", "last", "torch"])
@pytest.mark.parametrize("name", WIDE)
def test_networks_of_whole_panels_run_on_the_kernels_at_any_size(name: str, which: str, tmp_path: Path) -> None:
    model = network(WIDE[name])
    found = planned(model, tmp_path, which)
    for shape in ((1, 3, 37, 41), (3, 3, 40, 33)):
        batch = images(*shape)
        assert_equal_answers(found(batch), model(batch))
    steps = steps_of(found)
    assert any(isinstance(step, ConvolutionStep) for step in steps) == (which != "torch")
    assert any(isinstance(step, Step) for step in steps)


def test_a_residual_network_is_convolutions_a_mean_and_a_linear_layer(tmp_path: Path) -> None:
    found = planned(network(WIDE["basic"]), tmp_path)
    found(images(1, 3, 32, 32))
    names = [type(step).__name__ for step in steps_of(found)]
    assert names == ["ConvolutionStep"] * 8 + ["MeanPoolStep", "LinearStep"]


def head(*sizes: tuple[int, int]) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *(nn.Linear(*pair) for pair in sizes)).eval()


@torch.no_grad()
@pytest.mark.parametrize(("features", "classes"), [(16, 10), (48, 16), (16, 1), (20, 3)])
@pytest.mark.parametrize("num", [1, 5])
def test_a_linear_layer_of_any_width_gives_its_own_answers(
    features: int, classes: int, num: int, tmp_path: Path
) -> None:
    model, batch = head((features, classes)), images(num, features, 3, 4)
    found = planned(model, tmp_path)
    assert_equal_answers(found(batch), model(batch))
    assert isinstance(steps_of(found)[-1], LinearStep) == (features % 16 == 0)


@torch.no_grad()
def test_linear_layers_one_after_the_other_give_their_own_answers(tmp_path: Path) -> None:
    model, batch = head((32, 20), (20, 48), (48, 32), (32, 5)), images(3, 32, 3, 4)
    found = planned(model, tmp_path)
    assert_equal_answers(found(batch), model(batch))
    assert sum(isinstance(step, LinearStep) for step in steps_of(found)) == 3


@pytest.mark.parametrize("which", ["last", "torch"])
def test_neighbours_in_the_batch_change_nothing(which: str, tmp_path: Path) -> None:
    found = planned(network(WIDE["basic"]), tmp_path, which)
    one, others = images(1, 3, 32, 32), images(3, 3, 32, 32, seed=1)
    first, second = found(torch.cat([one, others])), found(torch.cat([one, others * 100]))
    assert torch.equal(first[0], second[0])


def test_answers_are_kept_when_the_next_batch_comes(tmp_path: Path) -> None:
    found = planned(network(WIDE["basic"]), tmp_path)
    first = found(images(2, 3, 32, 32))
    kept = first.clone()
    found(images(2, 3, 32, 32, seed=1))
    assert torch.equal(first, kept)


def test_memory_does_not_grow_with_calls(tmp_path: Path) -> None:
    found, batch = planned(network(WIDE["basic"]), tmp_path), images(2, 3, 64, 64)
    for _ in range(3):
        found(batch)
    before = _resident_pages()
    for _ in range(30):
        found(batch)
    assert _resident_pages() - before < 256  # 1 MB; one activation is 0.5 MB


def _resident_pages() -> int:
    statistics = Path("/proc/self/statm")
    if not statistics.exists():
        pytest.skip("no /proc here")
    return int(statistics.read_text().split()[1])


def test_few_plans_are_kept_and_made_again(tmp_path: Path) -> None:
    model = network(WIDE["basic"])
    found = planned(model, tmp_path)
    for size in (16, 18, 20, 22, 16):
        batch = images(1, 3, size, size)
        with torch.no_grad():
            assert_equal_answers(found(batch), model(batch))
        assert len(found._plans) <= MOST_PLANS


def test_what_was_measured_before_an_interruption_is_kept(tmp_path: Path) -> None:
    def measure(_: Any, operation: Convolution, *__: Any, **___: Any) -> Cut | None:
        if operation.weight.shape[1] > 16:
            raise KeyboardInterrupt
        return _first(operation)

    choices = Choices(tmp_path, measure=measure)
    found = PlannedNetwork(network(WIDE["basic"]), choices=choices)
    with pytest.raises(KeyboardInterrupt):
        found(images(1, 3, 16, 16))
    assert len(json.loads(choices.file.read_text())["choices"]) > 1


def test_threads_share_a_network(tmp_path: Path) -> None:
    found = planned(network(WIDE["basic"]), tmp_path)
    batches = [images(1, 3, 16, 16, seed=seed) for seed in range(4)]
    expected, answers = [found(batch) for batch in batches], {}

    def work(number: int) -> None:
        answers[number] = [found(batches[number]) for _ in range(10)]

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(torch.equal(answer, expected[number]) for number in range(4) for answer in answers[number])


def test_inference_mode_and_images_in_any_layout_make_no_difference(tmp_path: Path) -> None:
    found, batch = planned(network(WIDE["pre-activation"]), tmp_path), images(2, 3, 16, 16)
    with torch.inference_mode():
        inside = found(batch.contiguous(memory_format=torch.channels_last))
    assert torch.equal(inside, found(batch))


def test_images_that_the_network_refuses_are_refused(tmp_path: Path) -> None:
    found = planned(network(WIDE["basic"]), tmp_path)
    with pytest.raises(DataError, match="floating"):
        found(torch.zeros(1, 3, 16, 16, dtype=torch.uint8))
    with pytest.raises(DataError):
        found(images(1, 4, 16, 16))


def test_a_network_that_cannot_be_planned_answers_as_before(tmp_path: Path) -> None:
    found = planned(_Asks(), tmp_path)
    assert torch.equal(found(-torch.ones(1, 1, 2, 2)), torch.ones(1, 1, 2, 2))


class _Asks(nn.Module):
    def forward(self, batch: Tensor) -> Tensor:
        return batch if float(batch.sum()) > 0 else -batch


@torch.no_grad()
def test_a_network_whose_blocks_run_on_the_kernels_is_planned_all_the_same(tmp_path: Path) -> None:
    model, batch = network(WIDE["basic"]), images(2, 3, 16, 16)
    expected = model(batch)
    assert_equal_answers(planned(accelerate(model), tmp_path)(batch * 0 + batch), expected)


@torch.no_grad()
def test_autocast_is_left_to_pytorch(tmp_path: Path) -> None:
    model, batch = network(WIDE["basic"]), images(2, 3, 16, 16)
    found = planned(model, tmp_path)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(found(batch), model(batch))
    assert not steps_of(found)


def test_a_gradient_of_the_images_is_left_to_pytorch(tmp_path: Path) -> None:
    batch = images(1, 3, 16, 16).requires_grad_()
    planned(network(WIDE["basic"]), tmp_path)(batch).sum().backward()
    assert batch.grad is not None
    assert batch.grad.abs().sum() > 0


def test_a_copy_answers_for_itself() -> None:
    model = build(WIDE["basic"], seed=0).eval()
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    network = PlannedNetwork(model, choices=Choices(measure=None))
    with torch.inference_mode():
        wanted = network(x)
        for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):  # noqa: S301  # our own
            assert torch.equal(other(x), wanted)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_that_stayed_behind() -> None:
    model = build(WIDE["basic"], seed=0).eval()
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    network = PlannedNetwork(model, choices=Choices(measure=None))
    with torch.inference_mode():
        network(x)
        with network._lock:
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                network(x)
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
