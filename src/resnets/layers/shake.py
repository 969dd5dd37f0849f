"""Two branches mixed at random, forwards by one share and backwards by another.      [Gastaldi 2017]"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnets.layers.parts import Parts
from resnets.layers.unit import Unit


class Shake(torch.autograd.Function):
    """a x1 + (1 - a) x2, whose gradients are b dy and (1 - b) dy, with a and b drawn for each image

    Both are from 0 to 1, one as likely as another, and come from torch's generator: a forwards, b backwards.

    Shapes:
        (N, C, H, W), the same -> the same
    """

    @staticmethod
    def forward(ctx: Any, x1: Tensor, x2: Tensor) -> Tensor:  # noqa: ARG004  # torch's signature
        """Mix by a; nothing is kept for the way backwards."""
        share = _share_of_each(x1)
        return share * x1 + (1 - share) * x2

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG004  # torch's signature
        """Share out by b."""
        share = _share_of_each(dy)
        return share * dy, (1 - share) * dy


def _share_of_each(images: Tensor) -> Tensor:
    """A number for each image that all its values share."""
    return torch.rand(len(images), 1, 1, 1, device=images.device, dtype=images.dtype)


class ShakeShakeBlock(nn.Module):
    """y = a F1(x) + (1 - a) F2(x) + shortcut(x), with a drawn for each image in training and 1/2 in evaluation

    Gradients are shared out by another draw than the outputs were: an augmentation of gradients, as others are of
    images. Draws for each image, not for each batch, are what the paper calls Shake-Shake-Image.
    Source: [Gastaldi 2017, Table 1].

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """

    def __init__(self, residual1: nn.Module, residual2: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.residual1, self.residual2, self.shortcut = residual1, residual2, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        first, second = self.residual1(x), self.residual2(x)
        mixed: Tensor = Shake.apply(first, second) if self.training else (first + second) / 2  # type: ignore[no-untyped-call]
        y: Tensor = mixed + self.shortcut(x)
        return y


class TwoPathProjection(nn.Module):
    """norm([W1 p, W2 p']) with every stride-th pixel of p = activation(x), and in p' the one above to the left of it

    A projection with a step reads one pixel of four and drops the others; this reads two, at equal cost, as each path
    makes half of the channels.      [Gastaldi 2017]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, unit: Unit, parts: Parts) -> None:
        super().__init__()
        half = unit.out_channels // 2
        self.stride = unit.stride
        self.activation = nn.Sequential(parts.steps(("activation",), unit.in_channels))
        self.conv1 = parts.convolution(unit.in_channels, half, kernel=1)
        self.conv2 = parts.convolution(unit.in_channels, unit.out_channels - half, kernel=1)
        self.norm = nn.Sequential(OrderedDict(parts.steps(("norm",), unit.out_channels)))

    def forward(self, x: Tensor) -> Tensor:
        """Both paths, beside each other."""
        x = self.activation(x)
        shifted = functional.pad(x, (1, -1, 1, -1))
        step = (..., slice(None, None, self.stride), slice(None, None, self.stride))
        y: Tensor = self.norm(torch.cat([self.conv1(x[step]), self.conv2(shifted[step])], dim=1))
        return y

    def extra_repr(self) -> str:
        """The settings, for print(model)."""
        return f"stride={self.stride}"
