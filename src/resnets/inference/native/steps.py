"""What a plan is made of beside PyTorch's operations: steps that the kernels do, into memory that they are given."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from resnets.inference.native.operations import Affine, Convolution, Linear, MaxPool
from resnets.native import kernels as native
from resnets.native.kernels import Activation, Kernel
from resnets.native.library import Kernels, Plan

BY_SHAPE, GATHER, WINOGRAD_2, WINOGRAD_4 = 0, 1, 2, 4
"""Algorithms, as in native/kernels.h."""
_WIDEST = 1_920
"""Most numbers under a kernel whose channels fill no panels, as many as native/gather.hpp gathers for a gradient."""


class Step(ABC):
    """An operation that writes where it is told."""

    shape: tuple[int, ...]

    @abstractmethod
    def __call__(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """The operation on x, into `out`."""

    def on(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Callable[[], Tensor]:
        """The operation on whatever stands in this memory when the function is called."""
        return partial(self, out, x, residual)


@dataclass(frozen=True)
class Cut:
    """How the kernels do a convolution: algorithm, and how the work is cut."""

    algorithm: int
    tiles: int
    panels: int = 2
    by_channels: bool = False

    @property
    def plan(self) -> Plan:
        """As the kernels take it."""
        return Plan(self.algorithm, self.tiles, self.panels, self.by_channels)


class ConvolutionStep(Step):
    """A convolution on the kernels, its filters laid out once."""

    def __init__(self, kernels: Kernels, operation: Convolution, shape: tuple[int, ...], cut: Cut) -> None:
        kernel = kernel_of(operation)
        self._kernels, self._bias, self._relu = kernels, operation.bias, operation.relu
        self._packed = native.pack(kernels, operation.weight, kernel, shape, cut.plan)
        self.shape = (shape[0], len(operation.weight), *map(kernel.output_size, shape[2:]))

    def cut(self, cut: Cut) -> ConvolutionStep:
        """The same with the work cut in another way, by the same algorithm."""
        other = copy.copy(self)
        other._packed = self._packed._replace(plan=cut.plan)
        return other

    def __call__(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """As the operation."""
        return self.on(out, channels_last(x), None if residual is None else channels_last(residual))()

    def on(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Callable[[], Tensor]:
        """As of any step; x and residual channels last."""
        kernels, packed = self._kernels, self._packed
        return native.packed_convolution(kernels, x, packed, out, self._bias, residual, relu=self._relu)


class AffineStep(Step):
    """A norm that no convolution takes in."""

    def __init__(self, kernels: Kernels, operation: Affine, shape: tuple[int, ...]) -> None:
        self._kernels, self._operation, self.shape = kernels, operation, shape

    def __call__(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """As the operation."""
        activation = Activation(self._operation.scale, self._operation.shift)
        residual = None if residual is None else channels_last(residual)
        relu = self._operation.relu
        return native.norm_apply(self._kernels, channels_last(x), activation, residual, relu=relu, out=out)


class MaxPoolStep(Step):
    """A max-pool; `shape` is what comes out."""

    def __init__(self, kernels: Kernels, operation: MaxPool, shape: tuple[int, ...]) -> None:
        self._kernels, self.shape = kernels, shape
        self._kernel = Kernel(operation.size, operation.stride, operation.padding)

    def __call__(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """As the operation."""
        return native.max_pool(self._kernels, channels_last(x), self._kernel, out)


class MeanPoolStep(Step):
    """The mean over all pixels; `shape` is what comes out."""

    def __init__(self, kernels: Kernels, shape: tuple[int, ...]) -> None:
        self._kernels, self.shape = kernels, shape

    def __call__(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """As the operation."""
        return native.mean_pool(self._kernels, channels_last(x), out)


class LinearStep(Step):
    """A linear layer, done as a convolution of images of one pixel; rows of zeros fill the last panel of the filters.

    With 512 to 4,096 inputs and one image it takes 0.3 to 0.6 of the time of PyTorch's operator, which reads the
    weights with one thread (decision 0014).
    """

    def __init__(self, kernels: Kernels, operation: Linear, images: int) -> None:
        self._kernels, (self._features, channels) = kernels, operation.weight.shape
        filled = -(-self._features // native.PANEL) * native.PANEL
        weight, self._bias = operation.weight.new_zeros(filled, channels, 1, 1), operation.bias.new_zeros(filled)
        weight[: self._features, :, 0, 0], self._bias[: self._features] = operation.weight, operation.bias
        cut = Plan(GATHER, by_channels=True)
        self._packed = native.pack(kernels, weight, Kernel(1, 1, 0), (images, channels, 1, 1), cut)
        self.shape = (images, filled)

    def __call__(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """As the operation."""
        return self.on(out, x.contiguous(), residual)()

    def on(self, out: Tensor, x: Tensor, residual: Tensor | None = None) -> Callable[[], Tensor]:
        """As of any step."""
        run = native.packed_convolution(self._kernels, x, self._packed, out, self._bias, residual, relu=False)
        return lambda: run()[:, : self._features]


class TorchConvolution:
    """A convolution by oneDNN, its filters laid out once, ReLU and residual done as the output is written."""

    def __init__(self, operation: Convolution, shape: tuple[int, ...]) -> None:
        self._bias, self._relu = operation.bias, "relu" if operation.relu else "none"
        sizes = [list(pair) for pair in (operation.padding, operation.stride, operation.dilation)]
        self._sizes = (*sizes, operation.groups)
        weight = operation.weight.to(memory_format=torch.channels_last)
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(weight, *self._sizes, list(shape))

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """As the operation, into memory of its own."""
        convolve: Any = torch.ops.mkldnn._convolution_pointwise
        x = channels_last(x)
        if residual is None:
            y = convolve.default(x, self._weight, self._bias, *self._sizes, self._relu, [], "")
        else:
            arguments = (x, channels_last(residual), self._weight, self._bias, *self._sizes)
            y = convolve.binary(*arguments, "add", 1.0, self._relu if self._relu == "relu" else None, [], "")
        return cast(Tensor, y)


def on_torch(operation: Convolution, shape: tuple[int, ...]) -> Callable[..., Tensor]:
    """The convolution by PyTorch, on inputs of `shape`: by oneDNN where PyTorch was built with it."""
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return TorchConvolution(operation, shape) if has_onednn else operation


def channels_last(x: Tensor) -> Tensor:
    """The tensor itself where it already is."""
    return x.contiguous(memory_format=torch.channels_last)


def kernel_of(operation: Convolution) -> Kernel:
    """Size, stride and padding, of a convolution for which they are square."""
    return Kernel(operation.weight.shape[2], operation.stride[0], operation.padding[0])


def is_for_kernels(operation: Convolution) -> bool:
    """Whether the kernels can do it."""
    channels, height, width = operation.weight.shape[1:]
    is_square = height == width and all(len(set(pair)) == 1 for pair in (operation.stride, operation.padding))
    is_simple = operation.groups == 1 and operation.dilation == (1, 1) and height <= native.LARGEST_KERNEL
    fits = channels % native.PANEL == 0 or height * width * channels <= _WIDEST
    return is_square and is_simple and fits and len(operation.weight) % native.PANEL == 0


def is_layer_for_kernels(layer: nn.Conv2d) -> bool:
    """Whether the kernels can do the convolution of a layer, whose weight need not have values."""
    if isinstance(layer.padding, str):
        return False
    pairs: Any = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
    weight = layer.weight.detach()
    return is_for_kernels(Convolution(weight=weight, bias=weight.new_empty(0), groups=layer.groups, **pairs))


def is_for_winograd(operation: Convolution) -> bool:
    """Whether Winograd's algorithm can do it."""
    is_whole = operation.weight.shape[1] % native.PANEL == 0
    return is_for_kernels(operation) and is_whole and kernel_of(operation) in (Kernel(3, 1, 1), Kernel(3, 2, 1))
