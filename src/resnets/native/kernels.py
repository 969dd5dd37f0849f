"""The kernels on tensors: shapes read off, memory laid out, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from resnets.native import arena
from resnets.native.library import Convolution, Epilogue, Kernels, NormGradient, Plan, Prologue, Strides

PANEL = 16
"""Output channels come in panels of so many, a block's width in a matrix product that lives in registers.

Source: [Goto 2008, section 4].
"""
LARGEST_KERNEL = 11
"""Pixels along a side: native/gather.hpp has room for so many."""
BY_SHAPE = Plan()


class Activation(NamedTuple):
    """max(0, x * scale + shift), to be applied to an input as it is read; both (channels,)."""

    scale: Tensor
    shift: Tensor


@dataclass(frozen=True)
class Kernel:
    """Stride and padding of a convolution with a square kernel of `size` pixels."""

    size: int
    stride: int
    padding: int

    def output_size(self, pixels: int) -> int:
        """Height or width of the output."""
        return (pixels + 2 * self.padding - self.size) // self.stride + 1


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _sizes(x: tuple[int, ...], out_channels: int, kernel: Kernel) -> Convolution:
    if out_channels % PANEL or not 0 < kernel.size <= LARGEST_KERNEL:
        raise ValueError(
            f"There is no kernel for {out_channels} output channels by {kernel.size}x{kernel.size} pixels."
        )
    images, channels, height, width = x
    output = kernel.output_size(height), kernel.output_size(width)
    return Convolution(
        images, height, width, channels, *output, out_channels, kernel.size, kernel.stride, kernel.padding
    )


def _strides(weight: Tensor) -> Strides:
    return Strides(*weight.stride())


def _check(code: int) -> None:
    if code:
        raise MemoryError("A convolution needs more memory than there is: use smaller batches or images.")


def _met(weight: Tensor, kernel: Kernel, shape: tuple[int, ...], plan: Plan) -> tuple[Tensor, Kernel]:
    """What of a weight meets an image: of one that keeps the size of images of one pixel, the middle."""
    middle = kernel.padding
    if shape[2:] != (1, 1) or kernel.size != 2 * middle + 1 or middle == 0 or plan.algorithm:
        return weight, kernel
    return weight[:, :, middle : middle + 1, middle : middle + 1], Kernel(1, 1, 0)


def convolve(
    kernels: Kernels,
    x: Tensor,
    weight: Tensor,
    kernel: Kernel,
    *,
    before: Activation | None = None,
    after: Epilogue | None = None,
    plan: Plan = BY_SHAPE,
) -> Tensor:
    """The convolution of before(x) with weight, finished or counted by `after`; x channels last."""
    weight, kernel = _met(weight, kernel, tuple(x.shape), plan)
    sizes = _sizes(tuple(x.shape), len(weight), kernel)
    y = arena.images(len(x), len(weight), sizes.out_height, sizes.out_width, dtype=x.dtype)
    prologue = Prologue(*map(_pointer, before)) if before else Prologue()
    arguments = x.data_ptr(), weight.data_ptr(), _strides(weight), y.data_ptr(), prologue, after or Epilogue(), plan
    _check(kernels.forward(sizes, *arguments))
    return y


def input_gradient(
    kernels: Kernels,
    dy: Tensor,
    weight: Tensor,
    shape: tuple[int, ...],
    kernel: Kernel,
    *,
    after: Epilogue | None = None,
    plan: Plan = BY_SHAPE,
) -> Tensor:
    """The gradient of an input of `shape`."""
    dx = arena.images(*shape, dtype=dy.dtype)
    weight, kernel = _met(weight, kernel, shape, plan)
    sizes = _sizes(shape, len(weight), kernel)
    arguments = dy.data_ptr(), weight.data_ptr(), _strides(weight), dx.data_ptr(), after or Epilogue(), plan
    _check(kernels.backward_data(sizes, *arguments))
    return dx


def weight_gradient(
    kernels: Kernels,
    x: Tensor,
    dy: Tensor,
    weight: Tensor,
    kernel: Kernel,
    *,
    before: Activation | None = None,
    norm: NormGradient | None = None,
    plan: Plan = BY_SHAPE,
) -> Tensor:
    """The gradient of the weight, laid out as the weight is; where `norm` is given, dy is made by it first."""
    dw = torch.empty_like(weight)
    met, kernel = _met(dw, kernel, tuple(x.shape), plan)
    if met is not dw:
        dw.zero_()
    sizes = _sizes(tuple(x.shape), len(weight), kernel)
    prologue = Prologue(*map(_pointer, before)) if before else Prologue()
    pointers = x.data_ptr(), dy.data_ptr(), met.data_ptr()
    _check(kernels.backward_weights(sizes, *pointers, _strides(met), prologue, norm or NormGradient(), plan))
    return dw


def through_norm(
    y: Tensor, statistics: Tensor, coefficients: Tensor, dy: Tensor, *, gate: Tensor | None, relu: bool
) -> NormGradient:
    """What makes dy = g * scale + y * slope + offset, where g is what ReLU let through: as `gate` says, or else y."""
    channels = statistics.shape[1] * statistics.element_size()
    scale, slope = statistics.data_ptr(), coefficients.data_ptr()
    shift = scale + channels if relu and gate is None else None
    return NormGradient(y.data_ptr(), _pointer(gate), scale, shift, slope, slope + channels, dy.data_ptr())


def finish(
    bias: Tensor | None = None, residual: Tensor | None = None, *, relu: bool = False, mask: Tensor | None = None
) -> Epilogue:
    """What to add to an output before it is written: bias, residual where the mask is positive; then ReLU."""
    return Epilogue(bias=_pointer(bias), residual=_pointer(residual), residual_mask=_pointer(mask), relu=relu)


def convolve_and_count(
    kernels: Kernels, x: Tensor, weight: Tensor, kernel: Kernel, *, before: Activation | None, pivot: Tensor
) -> tuple[Tensor, Tensor]:
    """As `convolve`, with the sums over each channel of y - pivot and of its square: (2, channels), float64."""
    sums = torch.empty(2, len(weight), dtype=torch.float64)
    counting = Epilogue(pivot=pivot.data_ptr(), sums=sums.data_ptr())
    return convolve(kernels, x, weight, kernel, before=before, after=counting), sums


def input_gradient_let_through(
    kernels: Kernels, dy: Tensor, weight: Tensor, kernel: Kernel, value: Tensor, statistics: Tensor
) -> tuple[Tensor, Tensor]:
    """The gradient of the input max(0, value * scale + shift), as far as that let it through, and its sums.

    The sums are over each channel of it and of it times (value - mean): (2, channels), float64.
    """
    sums = torch.empty(2, value.shape[1], dtype=torch.float64)
    row = statistics.shape[1] * statistics.element_size()
    scale = statistics.data_ptr()
    after = Epilogue(
        pivot=scale + 2 * row, value=value.data_ptr(), scale=scale, shift=scale + row, sums=sums.data_ptr()
    )
    return input_gradient(kernels, dy, weight, tuple(value.shape), kernel, after=after), sums


class Packed(NamedTuple):
    """The filters of a convolution, laid out once for inputs of one shape and one plan."""

    sizes: Convolution
    filters: Tensor
    plan: Plan


def pack(kernels: Kernels, weight: Tensor, kernel: Kernel, shape: tuple[int, ...], plan: Plan = BY_SHAPE) -> Packed:
    """The filters for inputs of `shape`."""
    weight, kernel = _met(weight, kernel, shape, plan)
    sizes = _sizes(shape, len(weight), kernel)
    filters = torch.empty(kernels.packed_size(sizes, plan), dtype=weight.dtype)
    _check(kernels.pack_weights(sizes, weight.data_ptr(), _strides(weight), filters.data_ptr(), plan))
    return Packed(sizes, filters, plan)


@dataclass(frozen=True)
class Call:
    """A kernel whose arguments are made for C once, as that takes longer than the call; it has one place to work."""

    function: Callable[..., int]
    arguments: tuple[object, ...]
    reads: tuple[Tensor | None, ...]
    """Whose memory must not be freed."""
    out: Tensor

    def __call__(self) -> Tensor:
        """`out`, computed anew."""
        _check(self.function(*self.arguments))
        return self.out


def packed_convolution(
    kernels: Kernels, x: Tensor, packed: Packed, out: Tensor, bias: Tensor, residual: Tensor | None, *, relu: bool
) -> Call:
    """What computes out = [relu] (conv(x) + bias [+ residual])."""
    after = finish(bias, residual, relu=relu)
    arguments = packed.sizes, x.data_ptr(), packed.filters.data_ptr(), out.data_ptr(), after, packed.plan
    return Call(kernels.forward_packed, arguments, (x, packed.filters, bias, residual), out)


def max_pool(kernels: Kernels, x: Tensor, kernel: Kernel, out: Tensor) -> Tensor:
    """The largest value under a window, into `out`, whose size counts where the last window is cut off."""
    sizes = Convolution(
        *(len(x), *x.shape[2:], x.shape[1], *out.shape[2:], x.shape[1]), kernel.size, kernel.stride, kernel.padding
    )
    _check(kernels.max_pool(sizes, x.data_ptr(), out.data_ptr()))
    return out


def mean_pool(kernels: Kernels, x: Tensor, out: Tensor) -> Tensor:
    """The mean over all pixels, into `out`, (images, channels)."""
    images, channels, height, width = x.shape
    _check(kernels.mean_pool(x.data_ptr(), out.data_ptr(), images, height * width, channels))
    return out


def _rows(x: Tensor) -> tuple[int, int]:
    return x.numel() // x.shape[1], x.shape[1]


def channel_sums(kernels: Kernels, y: Tensor, pivot: Tensor | None) -> Tensor:
    """Sums over each channel of y - pivot and of its square: (2, channels), float64."""
    sums = torch.empty(2, y.shape[1], dtype=torch.float64)
    _check(kernels.channel_sums(y.data_ptr(), _pointer(pivot), *_rows(y), sums.data_ptr()))
    return sums


def norm_statistics(
    kernels: Kernels, sums: Tensor, rows: int, pivot: Tensor | None, gamma: Tensor, beta: Tensor, eps: float
) -> Tensor:
    """What a norm found in a batch: (5, channels) with scale, shift, mean, unbiased variance and 1 / std."""
    statistics = gamma.new_empty(5, len(gamma))
    pointers = map(_pointer, (pivot, gamma, beta))
    kernels.norm_statistics(sums.data_ptr(), rows, *pointers, eps, len(gamma), statistics.data_ptr())
    return statistics


def norm_coefficients(kernels: Kernels, sums: Tensor, rows: int, statistics: Tensor) -> Tensor:
    """What its backward pass needs: (4, channels) with slope, offset, and the gradients of gamma and beta."""
    channels = statistics.shape[1]
    coefficients = statistics.new_empty(4, channels)
    kernels.norm_coefficients(sums.data_ptr(), rows, statistics.data_ptr(), channels, coefficients.data_ptr())
    return coefficients


def norm_apply(
    kernels: Kernels,
    y: Tensor,
    activation: Activation,
    residual: Tensor | None,
    *,
    relu: bool,
    out: Tensor | None = None,
) -> Tensor:
    """[relu] (y * scale + shift + residual), into `out` where it is given."""
    z = arena.images(*y.shape, dtype=y.dtype) if out is None else out
    scale, shift = map(_pointer, activation)
    _check(kernels.norm_apply(y.data_ptr(), scale, shift, _pointer(residual), relu, z.data_ptr(), *_rows(y)))
    return z


def norm_backward_sums(
    kernels: Kernels, dz: Tensor, y: Tensor, mean: Tensor, *, gate: Tensor | None, activation: Activation | None
) -> Tensor:
    """The sums over each channel of g and of g (y - mean), where g is what ReLU let through: (2, channels), float64."""
    sums = torch.empty(2, y.shape[1], dtype=torch.float64)
    scale, shift = map(_pointer, activation) if activation else (None, None)
    pointers = dz.data_ptr(), y.data_ptr(), mean.data_ptr(), _pointer(gate), scale, shift
    _check(kernels.norm_backward_sums(*pointers, *_rows(y), sums.data_ptr()))
    return sums


def norm_gradient(kernels: Kernels, dz: Tensor, norm: NormGradient) -> None:
    """Write the gradient of the output before a norm to the place that `norm` names."""
    kernels.norm_gradient(dz.data_ptr(), norm, *_rows(dz))
