"""The shortcut: x itself where it fits, and options A to D where it does not.  [He 2015, section 3.3; He 2018]"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from resnets.layers.ordering import Arrangement
from resnets.layers.parts import Parts
from resnets.layers.unit import Unit


class ZeroPadding(nn.Module):
    """Every stride-th pixel of x, with channels of zeros after its own; no parameters.      [He 2015, section 3.3 A]

    Some ports put half of the zeros before the channels of x. That is the same network with its channels renumbered.

    Shapes:
        (N, in_channels, H, W) -> (N, in_channels + extra_channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, *, stride: int, extra_channels: int) -> None:
        super().__init__()
        self.stride, self.extra_channels = stride, extra_channels

    def forward(self, x: Tensor) -> Tensor:
        """Subsample and pad."""
        return functional.pad(x[..., :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra_channels))

    def extra_repr(self) -> str:
        """The settings, for print(model)."""
        return f"stride={self.stride}, extra_channels={self.extra_channels}"


class PooledPadding(nn.Sequential):
    """The mean of each 2x2 pixels, with channels of zeros after its own; no parameters.      [Han 2017]

    Zero padding with a step would drop three pixels of four. At an odd edge the mean is of those that are there.

    Shapes:
        (N, in_channels, H, W) -> (N, in_channels + extra_channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, *, stride: int, extra_channels: int) -> None:
        pool = nn.AvgPool2d(stride, ceil_mode=True)
        super().__init__(OrderedDict(pool=pool, pad=ZeroPadding(stride=1, extra_channels=extra_channels)))


class Projection(nn.Sequential):
    """A 1x1 convolution, normalised where the branch ends normalised.      [He 2015, eq. 2]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, unit: Unit, arrangement: Arrangement, parts: Parts) -> None:
        convolution = parts.convolution(unit.in_channels, unit.out_channels, kernel=1, stride=unit.stride)
        steps = [step for step in arrangement.end if step == "norm" and parts.projection_norm]
        norm = parts.steps(steps, unit.out_channels)
        super().__init__(OrderedDict(conv=convolution) | norm)


class PooledProjection(Projection):
    """The mean of each 2x2 pixels, then a 1x1 convolution.      [He 2018, section 4.2]

    A projection with a step reads one pixel of four and drops the others.

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, unit: Unit, arrangement: Arrangement, parts: Parts) -> None:
        projection = Projection(replace(unit, stride=1), arrangement, parts)
        pool = nn.AvgPool2d(unit.stride, ceil_mode=True, count_include_pad=False)
        nn.Sequential.__init__(self, OrderedDict(pool=pool) | OrderedDict(projection.named_children()))


def option_a(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Module:  # noqa: ARG001  # one signature for all
    """The input itself where the shape stays; zero padding where it changes."""
    if not unit.changes_shape:
        return nn.Identity()
    return ZeroPadding(stride=unit.stride, extra_channels=unit.out_channels - unit.in_channels)


def pooled_option_a(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Module:
    """The input itself where the shape stays; zero padding where it changes, of means of pixels where it steps."""
    if unit.stride == 1:
        return option_a(unit, arrangement, parts)
    return PooledPadding(stride=unit.stride, extra_channels=unit.out_channels - unit.in_channels)


def option_b(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Module:
    """The input itself where the shape stays; a projection where it changes."""
    if not unit.changes_shape:
        return nn.Identity()
    return Projection(unit, arrangement, parts)


def option_c(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Module:
    """A projection everywhere."""
    return Projection(unit, arrangement, parts)


def option_d(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Module:
    """The input itself where the shape stays; a projection where it changes, of means of pixels where it steps."""
    if unit.stride == 1:
        return option_b(unit, arrangement, parts)
    return PooledProjection(unit, arrangement, parts)


SHORTCUTS: Mapping[str, Callable[[Unit, Arrangement, Parts], nn.Module]] = {
    "A": option_a,
    "B": option_b,
    "C": option_c,
    "D": option_d,
}
