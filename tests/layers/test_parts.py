from __future__ import annotations

import pytest
import torch

from resnets.layers.parts import Parts, Step
from resnets.spec import NormSpec


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_stride_1_keeps_the_size(kernel: int, dilation: int) -> None:
    convolution = Parts().convolution(2, 3, kernel=kernel, dilation=dilation)
    assert convolution(torch.randn(1, 2, 9, 11)).shape == (1, 3, 9, 11)


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_stride_2_rounds_half_a_pixel_up(kernel: int) -> None:
    convolution = Parts().convolution(2, 3, kernel=kernel, stride=2)
    assert convolution(torch.randn(1, 2, 9, 10)).shape == (1, 3, 5, 5)


def test_steps_that_the_net_has_not_are_left_out() -> None:
    steps: tuple[Step, ...] = ("norm", "activation", "dropout")
    assert list(Parts().steps(steps, 4)) == ["norm", "activation"]
    assert list(Parts(norm=NormSpec(kind="none"), dropout=0.1).steps(steps, 4)) == ["activation", "dropout"]


def test_equal_steps_are_told_apart_by_their_suffix() -> None:
    assert list(Parts().steps(("norm", "activation"), 4, "2")) == ["norm2", "activation2"]
