"""Modules from chains of steps: convolutions, pools and forks, whose branches run side by side.

Sources: [Szegedy 2014, section 4; Szegedy 2015, section 6; Szegedy 2016, section 3].
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnets.layers.parts import Parts
from resnets.spec.inception.chain import Chain, Conv, Fork, LocalNorm, Pool, Step


class Branches(nn.ModuleDict):
    """y = concat(branch_1(x), branch_2(x), ...) along the channels: the Inception module      [Szegedy 2014, Figure 2]

    One layer sees several sizes at once; 1x1 convolutions before the large kernels keep that affordable.

    Shapes:
        (N, in_channels, H, W) -> (N, sum of the branches' channels, H / stride, W / stride)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Every branch on the same input."""
        return torch.cat([branch(x) for branch in self.values()], dim=1)


class CoveringMaxPool(nn.Module):
    """The maximum of windows that begin at every `stride`-th pixel, the last ones sticking out of the image.

    On sizes that the stride divides it is Caffe's pool. On others it has one window more, so that it fits beside a
    padded convolution of the same stride.

    Shapes:
        (N, C, H, W) -> (N, C, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.padding = nn.ConstantPad2d((0, kernel - 1, 0, kernel - 1), -math.inf)
        self.pool = nn.MaxPool2d(kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Pad on the far sides, then pool."""
        y: Tensor = self.pool(self.padding(x))
        return y


class Scale(nn.Module):
    """y = factor x, with a factor that does not learn      [Szegedy 2016, section 3.3]

    Shapes:
        any -> the same
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        return self.factor * x

    def extra_repr(self) -> str:
        """The factor, for print(model)."""
        return f"{self.factor:g}"


@dataclass(frozen=True)
class ChainMaker:
    """Makes the chains of one network."""

    parts: Parts

    def chain(self, chain: Chain, in_channels: int) -> nn.Sequential:
        """The modules of a chain, numbered by their step: `conv1`, `norm1`, `activation1`, `pool2`, ..."""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number, step in enumerate(chain, start=1):
            layers[f"{NAMES[type(step)]}{number}"] = self.step(step, in_channels)
            in_channels = step.out_channels(in_channels)
            if isinstance(step, Conv):
                layers |= self.parts.steps(("norm", "activation"), step.width, str(number))
        return nn.Sequential(layers)

    def step(self, step: Step, in_channels: int) -> nn.Module:
        """The module of one step."""
        if isinstance(step, Conv):
            return _convolution(step, in_channels, self.parts)
        if isinstance(step, Fork):
            return Branches({name: self.chain(branch, in_channels) for name, branch in step.branches.items()})
        return POOLS[step.kind](step) if isinstance(step, Pool) else nn.LocalResponseNorm(5)


def _convolution(step: Conv, in_channels: int, parts: Parts) -> nn.Conv2d:
    padding = {"same": (step.kernel_size[0] // 2, step.kernel_size[1] // 2), "valid": (0, 0)}
    return nn.Conv2d(
        in_channels,
        step.width,
        step.kernel_size,
        stride=step.stride,
        padding=padding[step.border],
        bias=parts.conv_bias,
    )


def _max_pool(pool: Pool) -> nn.Module:
    if pool.border == "cover":
        return CoveringMaxPool(pool.kernel, pool.stride)
    return nn.MaxPool2d(pool.kernel, pool.stride, padding=_padding(pool), ceil_mode=pool.border == "ceil")


def _average_pool(pool: Pool) -> nn.Module:
    return nn.AvgPool2d(pool.kernel, pool.stride, padding=_padding(pool), count_include_pad=pool.counts_padding)


def _padding(pool: Pool) -> int:
    return pool.kernel // 2 if pool.border == "same" else 0


NAMES: Mapping[type[Step], str] = {Conv: "conv", Pool: "pool", LocalNorm: "norm", Fork: "branches"}
POOLS: Mapping[str, Callable[[Pool], nn.Module]] = {"max": _max_pool, "average": _average_pool}
