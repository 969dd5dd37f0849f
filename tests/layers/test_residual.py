from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.layers.ordering import ARRANGEMENTS
from resnets.layers.parts import Parts
from resnets.layers.residual import basic, bottleneck
from resnets.layers.unit import Unit
from resnets.spec import StrideIn

ORIGINAL = ARRANGEMENTS["original"]


def _convolutions(branch: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in branch.modules() if isinstance(layer, nn.Conv2d)]


def test_basic_is_two_3x3_of_which_the_first_steps() -> None:
    branch = basic(Unit(in_channels=4, width=8, out_channels=8, stride=2), ORIGINAL, Parts())
    kernels = [(c.kernel_size, c.stride, c.in_channels, c.out_channels) for c in _convolutions(branch)]
    assert kernels == [((3, 3), (2, 2), 4, 8), ((3, 3), (1, 1), 8, 8)]
    assert branch(torch.randn(2, 4, 9, 9)).shape == (2, 8, 5, 5)


@pytest.mark.parametrize(("stride_in", "strides"), [("1x1", [2, 1, 1]), ("3x3", [1, 2, 1])])
def test_bottleneck_steps_where_it_is_told(stride_in: StrideIn, strides: list[int]) -> None:
    unit = Unit(in_channels=16, width=8, out_channels=32, stride=2, stride_in=stride_in)
    branch = bottleneck(unit, ORIGINAL, Parts())
    convolutions = _convolutions(branch)
    assert [c.stride[0] for c in convolutions] == strides
    assert [c.kernel_size[0] for c in convolutions] == [1, 3, 1]
    assert [(c.in_channels, c.out_channels) for c in convolutions] == [(16, 8), (8, 8), (8, 32)]
    assert branch(torch.randn(2, 16, 9, 9)).shape == (2, 32, 5, 5)


def test_layers_are_numbered_by_their_convolution() -> None:
    branch = bottleneck(Unit(in_channels=4, width=1, out_channels=4), ORIGINAL, Parts())
    names = [name for name, _ in branch.named_children()]
    assert names == ["conv1", "norm1", "activation1", "conv2", "norm2", "activation2", "conv3", "norm3"]


def test_first_3x3_has_the_dilation_of_the_unit_before() -> None:
    unit = Unit(in_channels=4, width=4, out_channels=4, dilation=4, first_dilation=2)
    assert [c.dilation[0] for c in _convolutions(basic(unit, ORIGINAL, Parts()))] == [2, 4]
    assert [c.dilation[0] for c in _convolutions(bottleneck(unit, ORIGINAL, Parts()))] == [1, 2, 1]


def test_parts_reach_every_convolution_and_activation() -> None:
    branch = basic(Unit(in_channels=4, width=4, out_channels=4), ORIGINAL, Parts(activation="gelu", conv_bias=True))
    assert all(c.bias is not None for c in _convolutions(branch))
    assert [type(layer) for layer in branch.children()].count(nn.GELU) == 1
