"""The residual branch F(x): two 3x3 convolutions, or a bottleneck of 1x1, 3x3 and 1x1.      [He 2015, Figure 5]"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

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
    step = {"1x1": (unit.stride, 1), "3x3": (1, unit.stride)}[unit.stride_in]
    reduce = parts.convolution(unit.in_channels, unit.width, kernel=1, stride=step[0])
    spatial = parts.convolution(
        unit.width, unit.width, kernel=3, stride=step[1], dilation=unit.first_dilation, groups=unit.groups
    )
    expand = parts.convolution(unit.width, unit.out_channels, kernel=1)
    return arrange([reduce, spatial, expand], arrangement, parts)


RESIDUALS: Mapping[Block, Callable[[Unit, Arrangement, Parts], nn.Sequential]] = {
    "basic": basic,
    "bottleneck": bottleneck,
}
