"""The operations that the kernels can do, as values: what they compute, said by PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution:
    """y = [relu] (conv(x) + bias [+ residual])"""

    weight: Tensor
    bias: Tensor
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    relu: bool = False

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """As the equation."""
        y = functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        return _finished(y, residual, relu=self.relu)

    def scaled(self, scale: Tensor, shift: Tensor) -> Convolution:
        """The convolution that does y * scale + shift as well; both (out_channels,), float64."""
        weight = (self.weight.double() * scale[:, None, None, None]).to(self.weight.dtype)
        return replace(self, weight=weight, bias=(self.bias.double() * scale + shift).to(self.bias.dtype))

    def rectified(self) -> Convolution:
        """With a ReLU at the end."""
        return replace(self, relu=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine:
    """y = [relu] (x * scale + shift [+ residual]), scale and shift one number a channel"""

    scale: Tensor
    shift: Tensor
    relu: bool = False

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """As the equation."""
        return _finished(torch.addcmul(_along(self.shift, x), x, _along(self.scale, x)), residual, relu=self.relu)

    def rectified(self) -> Affine:
        """With a ReLU at the end."""
        return replace(self, relu=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear:
    """y = x W^T + bias: (N, in_features) -> (N, out_features)"""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """As the equation."""
        return functional.linear(x, self.weight, self.bias)


@dataclass(frozen=True, kw_only=True)
class MaxPool:
    """The largest value under a square window."""

    size: int
    stride: int
    padding: int
    ceil_mode: bool

    def __call__(self, x: Tensor) -> Tensor:
        """As said."""
        return functional.max_pool2d(x, self.size, self.stride, self.padding, ceil_mode=self.ceil_mode)


@dataclass(frozen=True, kw_only=True)
class MeanPool:
    """The mean over all pixels: (N, C, H, W) -> (N, C), or (N, C, 1, 1) where `keeps` says so."""

    keeps: bool

    def __call__(self, x: Tensor) -> Tensor:
        """As said."""
        return x.mean((2, 3), keepdim=self.keeps)


def _along(numbers: Tensor, x: Tensor) -> Tensor:
    """(C,) so that it meets the channels of x."""
    return numbers.view(-1, *(1 for _ in x.shape[2:]))


def _finished(y: Tensor, residual: Tensor | None, *, relu: bool) -> Tensor:
    y = y if residual is None else y + residual
    return y.relu() if relu else y
