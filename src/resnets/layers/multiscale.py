"""What stands for the 3x3 of a bottleneck where one size of window is not enough: Res2Net's and SKNet's layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from resnets.layers.ordering import Arrangement, surround
from resnets.layers.parts import Parts
from resnets.layers.unit import Unit
from resnets.spec.resnet import selective_width


class Cascade(nn.Module):
    """y_1 = K_1(x_1), y_i = K_i(x_i + y_(i-1)), y_s = x_s                 [Gao 2019, eq. 1]

    The channels come in s parts; each 3x3 also sees what the one before put out, so that windows of 3, 5, 7, ...
    pixels end side by side.

    Shapes:
        (N, channels, H, W) -> the same
    """

    def __init__(self, convolutions: Sequence[nn.Module]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)

    def forward(self, x: Tensor) -> Tensor:
        """The equations."""
        first, *others, last = x.chunk(len(self.convolutions) + 1, dim=1)
        outputs = [self.convolutions[0](first)]
        for convolution, part in zip(self.convolutions[1:], others, strict=True):
            outputs.append(convolution(part + outputs[-1]))
        return torch.cat([*outputs, last], dim=1)


class Separate(nn.Module):
    """y_i = K_i(x_i), y_s = mean of 3x3 pixels of x_s: where sizes change, parts cannot be added to each other

    Shapes:
        (N, channels, H, W) -> (N, channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, convolutions: Sequence[nn.Module], *, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)
        self.pool = nn.AvgPool2d(3, stride=stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The equations."""
        *parts, last = x.chunk(len(self.convolutions) + 1, dim=1)
        outputs = [convolution(part) for convolution, part in zip(self.convolutions, parts, strict=True)]
        return torch.cat([*outputs, self.pool(last)], dim=1)


class SelectiveKernel(nn.Module):
    """y = sum_k softmax_k(choice(sum_k K_k(x))) K_k(x)                    [Li 2019, eq. 1 to 6]

    Each channel of each image chooses between kernels of different size; the choice sees the mean of all pixels.

    Shapes:
        (N, channels, H, W) -> (N, channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, kernels: Sequence[nn.Module], choice: nn.Module) -> None:
        super().__init__()
        self.kernels, self.choice = nn.ModuleList(kernels), choice

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        outputs = torch.stack([kernel(x) for kernel in self.kernels], dim=1)
        scores: Tensor = self.choice(outputs.sum(dim=1)).unflatten(1, outputs.shape[1:3])
        return (outputs * scores.softmax(dim=1)).sum(dim=1)


def multiple_scales(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Module:
    """Res2Net's layer. In a unit that changes the shape, the parts stay apart.      [Gao 2019, section 3.1]

    Shapes:
        (N, width, H, W) -> (N, width, H / stride, W / stride)
    """
    convolutions = [_spatial(unit, unit.width // unit.scale, 1, arrangement, parts) for _ in range(unit.scale - 1)]
    if unit.changes_shape:
        return Separate(convolutions, stride=unit.spatial_stride)
    return Cascade(convolutions)


def selective_kernel(unit: Unit, arrangement: Arrangement, parts: Parts) -> nn.Module:
    """SKNet's layer of two kernels: 3x3, and 5x5 as a 3x3 with dilation 2.      [Li 2019, section 3.1]

    Shapes:
        (N, width, H, W) -> (N, width, H / stride, W / stride)
    """
    narrow = selective_width(unit.width)
    kernels = [_spatial(unit, unit.width, dilation, arrangement, parts) for dilation in (1, 2)]
    reduce = parts.convolution(unit.width, narrow, kernel=1)
    select = parts.convolution(narrow, unit.width * len(kernels), kernel=1)
    choice = (
        OrderedDict[str, nn.Module](pool=nn.AdaptiveAvgPool2d(1), reduce=reduce)
        | parts.steps(("norm", "activation"), narrow)
        | OrderedDict[str, nn.Module](select=select)
    )
    return SelectiveKernel(kernels, nn.Sequential(choice))


def _spatial(unit: Unit, channels: int, dilation: int, arrangement: Arrangement, parts: Parts) -> nn.Sequential:
    """A 3x3 with its norm and activation."""
    convolution = parts.convolution(
        channels,
        channels,
        kernel=3,
        stride=unit.spatial_stride,
        dilation=dilation * unit.first_dilation,
        groups=unit.groups,
    )
    return nn.Sequential(surround(convolution, arrangement.between, arrangement, parts))
