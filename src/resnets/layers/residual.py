"""The residual branch F(x): two 3x3 convolutions, or a bottleneck of 1x1, 3x3 (or what stands for it) and 1x1."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from resnets.layers.multiscale import multiple_scales, selective_kernel
from resnets.layers.ordering import Arrangement, arrange
from resnets.layers.parts import Parts
from resnets.layers.unit import Unit
from resnets.spec import Block


def basic(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Sequential:
    """Two 3x3 convolutions; the first takes the step.      [He 2015, Figure 5 left]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """
    first = parts.convolution(unit.in_channels, unit.width, kernel=3, stride=unit.stride, dilation=unit.first_dilation)
    second = parts.convolution(unit.width, unit.out_channels, kernel=3, dilation=unit.dilation)
    return arrange([first, second], arrangement, parts)


def bottleneck(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Sequential:
    """1x1 to fewer channels, 3x3, 1x1 back to more.      [He 2015, Figure 5 right]

    The paper takes the step in the first 1x1 (v1). Most libraries take it in the 3x3 (v1.5), which reads every pixel:
    6 % more multiply-adds in ResNet-50. ResNeXt splits the 3x3 into groups: at equal cost, more
    paths gain more than more depth or width.      [Xie 2017, section 5.1]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """
    spatial = parts.convolution(
        unit.width,
        unit.width,
        kernel=3,
        stride=unit.spatial_stride,
        dilation=unit.first_dilation,
        groups=unit.groups,
    )
    return _between_1x1(spatial, unit, arrangement, parts)


def res2net(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Sequential:
    """A bottleneck whose 3x3 is a cascade of narrow ones.      [Gao 2019, Figure 2]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """
    return _between_1x1(multiple_scales(unit, arrangement, parts), unit, arrangement, parts)


def sknet(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Sequential:
    """A bottleneck that chooses the size of its kernel by what it sees.      [Li 2019, section 3.2]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """
    return _between_1x1(selective_kernel(unit, arrangement, parts), unit, arrangement, parts)


def _between_1x1(spatial: nn.Module, unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Sequential:
    reduce = parts.convolution(unit.in_channels, unit.width, kernel=1, stride=unit.stride // unit.spatial_stride)
    expand = parts.convolution(unit.width, unit.out_channels, kernel=1)
    return arrange([reduce, spatial, expand], arrangement, parts)


RESIDUALS: Mapping[Block, Callable[[Unit, Arrangement, Parts], nn.Sequential]] = {
    "basic": basic,
    "bottleneck": bottleneck,
    "res2net": res2net,
    "sknet": sknet,
}
