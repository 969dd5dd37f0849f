from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from resnets.inference.native.recording import UnplannableError, record


class _Changes(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        doubled = images * 2
        return doubled.add_(1)


class _Asks(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images if float(images.sum()) > 0 else -images


class _Mixes(nn.Module):
    """weight^2 is a constant; the halves are views of what they are taken from."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(3.0))

    def forward(self, images: Tensor) -> Tensor:
        left, right = (images * self.weight.square()).chunk(2, dim=3)
        return (left - right).flatten(1)


def test_operations_are_recorded_with_shapes_and_views() -> None:
    nodes = [node for node in record(_Mixes(), (2, 3, 4, 6)).nodes if node.op == "call_function"]
    assert [node.target for node in nodes if "split" in str(node.target)]
    halves = [node for node in nodes if node.meta["shape"] == (2, 3, 4, 3) and node.meta["shares_memory"]]
    assert len(halves) == 2
    assert nodes[-1].meta["shape"] == (2, 36)


def test_what_does_not_depend_on_the_images_is_computed_once() -> None:
    first = next(node for node in record(_Mixes(), (1, 1, 2, 2)).nodes if node.op == "call_function")
    assert first.target is torch.ops.aten.mul.Tensor
    assert torch.equal(first.args[1], torch.tensor(9.0))


@pytest.mark.parametrize("model", [_Changes(), _Asks()])
def test_a_network_that_is_no_list_of_operations_is_refused(model: nn.Module) -> None:
    with pytest.raises(UnplannableError, match="in place|value|changes"):
        record(model, (1, 1, 2, 2))


def test_an_answer_that_does_not_depend_on_the_images_is_refused() -> None:
    with pytest.raises(UnplannableError, match="depends on the images"):
        record(_Constant(), (1, 1, 2, 2))


class _Constant(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return torch.ones(len(images))


def test_the_compiler_is_not_loaded() -> None:
    code = "import sys, torch; from resnets.inference.native.recording import record; "
    code += "record(torch.nn.ReLU(), (1, 1, 2, 2)); print('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"


class _Doubles(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return (images.double() * 2).float()


def test_numbers_in_double_precision_are_refused() -> None:
    with pytest.raises(UnplannableError, match="float64"):
        record(_Doubles(), (1, 1, 2, 2))
