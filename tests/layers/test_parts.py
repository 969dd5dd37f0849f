from __future__ import annotations

import pytest
import torch

from resnets.layers.parts import Parts


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_stride_1_keeps_the_size(kernel: int, dilation: int) -> None:
    convolution = Parts().convolution(2, 3, kernel=kernel, dilation=dilation)
    assert convolution(torch.randn(1, 2, 9, 11)).shape == (1, 3, 9, 11)


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_stride_2_rounds_half_a_pixel_up(kernel: int) -> None:
    convolution = Parts().convolution(2, 3, kernel=kernel, stride=2)
    assert convolution(torch.randn(1, 2, 9, 10)).shape == (1, 3, 5, 5)


def test_equal_steps_are_told_apart_by_their_suffix() -> None:
    assert list(Parts().steps(("norm", "activation"), 4, "2")) == ["norm2", "activation2"]
