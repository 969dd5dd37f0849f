"""Convolution, batch norm and ReLU, several times over and joined with a shortcut, as one step with its gradient.

Of each convolution only its output y is kept, before its norm. The next convolution normalises and rectifies y as it
reads it, and the statistics of y are summed up as it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from resnets.native import arena, kernels
from resnets.native.kernels import PANEL, Activation, Kernel
from resnets.native.library import Kernels


@dataclass(frozen=True)
class Convolution:
    """A convolution without bias, dilation and groups."""

    weight: Tensor
    kernel: Kernel

    @property
    def is_native(self) -> bool:
        """Whether our kernels compute it; else PyTorch's do."""
        return suits(self.kernel, *self.weight.shape[:2])


def suits(kernel: Kernel, out_channels: int, in_channels: int) -> bool:
    """Whether our kernels compute a convolution faster than PyTorch: 3x3 and 1x1, on whole panels of channels.

    3x3 is Winograd's algorithm, with 4 times fewer multiplications, 1.4 times with stride 2. 1x1 is a matrix product,
    as PyTorch's; what is gained is what is done while reading and writing.
    Source: [Winograd 1980; Lavin 2016, section 4; Huang 2020].
    """
    if out_channels % PANEL or in_channels % PANEL or kernel.padding != kernel.size // 2 or kernel.stride > 2:
        return False
    return kernel.size in (1, 3)


@dataclass(frozen=True)
class Norm:
    """The batch norm behind a convolution, in training."""

    gamma: Tensor
    beta: Tensor
    pivot: Tensor
    """A guess of the mean, subtracted before values are squared: the running mean."""
    eps: float


@dataclass(frozen=True)
class Trace:
    """What a convolution and its norm leave for their gradient."""

    read: Tensor | None
    """The convolution's input; None where that is the activation of the trace before."""
    y: Tensor
    statistics: Tensor
    """(5, channels): scale, shift, mean, unbiased variance, 1 / std."""

    @property
    def activation(self) -> Activation:
        """Norm and ReLU, for those who read y."""
        return Activation(self.statistics[0], self.statistics[1])


def forward(
    native: Kernels,
    convolutions: Sequence[Convolution],
    norms: Sequence[Norm],
    x: Tensor,
    shortcut: Tensor | None,
    *,
    relu: bool,
) -> tuple[Tensor, list[Trace]]:
    """[relu] (norm(conv(... relu(norm(conv(x)))) + shortcut), and what its gradient needs."""
    traces: list[Trace] = []
    for convolution, norm in zip(convolutions, norms, strict=True):
        traces.append(_forward_one(native, convolution, norm, x, traces[-1] if traces else None))
    last = traces[-1]
    return kernels.norm_apply(native, last.y, last.activation, shortcut, relu=relu), traces


def subsampled(x: Tensor, step: int, channels: int) -> Tensor:
    """Every step-th pixel of x, with zeros behind its channels: shortcut option A.      [He 2015, section 3.3]"""
    if step == 1:
        return x
    return functional.pad(x[..., ::step, ::step], (0, 0, 0, 0, 0, channels - x.shape[1]))


def _forward_one(native: Kernels, convolution: Convolution, norm: Norm, x: Tensor, previous: Trace | None) -> Trace:
    read = None if previous else x
    weight, kernel = convolution.weight, convolution.kernel
    if convolution.is_native:
        source, before = (previous.y, previous.activation) if previous else (x, None)
        y, sums = kernels.convolve_and_count(native, source, weight, kernel, before=before, pivot=norm.pivot)
    else:
        if previous:
            read = kernels.norm_apply(native, previous.y, previous.activation, None, relu=True)
        y = functional.conv2d(x if read is None else read, weight, stride=kernel.stride, padding=kernel.padding)
        y = y.contiguous(memory_format=torch.channels_last)
        sums = kernels.channel_sums(native, y, norm.pivot)
    rows = y.numel() // y.shape[1]
    return Trace(read, y, kernels.norm_statistics(native, sums, rows, norm.pivot, norm.gamma, norm.beta, norm.eps))


@dataclass(frozen=True)
class Gradients:
    """The gradients of a convolution and its norm."""

    weight: Tensor | None
    norm: Tensor
    """(4, channels); the last two rows are the gradients of gamma and beta."""


def backward(
    native: Kernels,
    convolutions: Sequence[Convolution],
    traces: Sequence[Trace],
    dz: Tensor,
    z: Tensor | None,
    *,
    relu: bool,
    identity: int,
    wants: Sequence[bool],
) -> tuple[Tensor | None, list[Gradients]]:
    """The gradient of x and those of each convolution; `z` is given where a shortcut was added before the last ReLU.

    `identity`: every so many-th pixel of x was the shortcut, so its gradient gets dz, as far as the ReLU let z through.
    `wants` says whether the gradients of x and of each weight are asked for.
    """
    found: list[Gradients] = []
    gate = z if relu else None
    behind = Behind(dz, gate, relu=relu, sums=None)
    for number in reversed(range(len(convolutions))):
        convolution, trace, previous = convolutions[number], traces[number], traces[number - 1] if number else None
        dy, gradients = _backward_one(native, convolution, trace, previous, behind, is_wanted=wants[number + 1])
        found.append(gradients)
        if previous:
            behind = _behind(native, convolution, dy, previous)
    x = traces[0].read
    if x is None or not wants[0]:
        return None, found[::-1]
    return _input_gradient(native, convolutions[0], dy, x.shape, dz, gate, identity), found[::-1]


@dataclass(frozen=True)
class Behind:
    """The gradient that comes back to a norm, and what of it its ReLU let through."""

    gradient: Tensor
    gate: Tensor | None
    """Positive where it was let through."""
    relu: bool
    """Whether there was a ReLU that has not been seen to yet; without a gate, the norm's own output tells."""
    sums: Tensor | None
    """Those of the norm's gradient, if they are known already."""


def _backward_one(
    native: Kernels,
    convolution: Convolution,
    trace: Trace,
    previous: Trace | None,
    behind: Behind,
    *,
    is_wanted: bool,
) -> tuple[Tensor, Gradients]:
    """The gradients of a convolution's output, and of its weight and norm."""
    y, statistics, gate = trace.y, trace.statistics, behind.gate
    sums = behind.sums
    if sums is None:
        activation = trace.activation if behind.relu and gate is None else None
        sums = kernels.norm_backward_sums(native, behind.gradient, y, statistics[2], gate=gate, activation=activation)
    coefficients = kernels.norm_coefficients(native, sums, y.numel() // y.shape[1], statistics)
    dy = arena.images(*y.shape, dtype=y.dtype)
    norm = kernels.through_norm(y, statistics, coefficients, dy, gate=gate, relu=behind.relu)
    if is_wanted and convolution.is_native:
        x, before = (trace.read, None) if previous is None else (previous.y, previous.activation)
        assert x is not None  # noqa: S101  # the first convolution reads a tensor
        weight, kernel = convolution.weight, convolution.kernel
        return dy, Gradients(
            kernels.weight_gradient(native, x, behind.gradient, weight, kernel, before=before, norm=norm), coefficients
        )
    kernels.norm_gradient(native, behind.gradient, norm)
    if not is_wanted:
        return dy, Gradients(None, coefficients)
    assert trace.read is not None  # noqa: S101  # PyTorch's convolution reads a tensor
    return dy, Gradients(torch_gradient(trace.read, convolution, dy, of_weight=True), coefficients)


def _behind(native: Kernels, convolution: Convolution, dy: Tensor, previous: Trace) -> Behind:
    """What comes back to the norm before a convolution."""
    if not convolution.is_native:
        gradient = torch_gradient(dy.new_empty(()).expand(previous.y.shape), convolution, dy, of_weight=False)
        return Behind(gradient, None, relu=True, sums=None)
    gradient, sums = kernels.input_gradient_let_through(
        native, dy, convolution.weight, convolution.kernel, previous.y, previous.statistics
    )
    return Behind(gradient, None, relu=False, sums=sums)


def _input_gradient(
    native: Kernels,
    convolution: Convolution,
    dy: Tensor,
    shape: torch.Size,
    dz: Tensor,
    z: Tensor | None,
    identity: int,
) -> Tensor:
    """The gradient of an input of `shape`, with what comes through its shortcut: dz where z is positive."""
    if convolution.is_native:
        after = kernels.finish(residual=dz, mask=z) if identity == 1 else None
        dx = kernels.input_gradient(native, dy, convolution.weight, tuple(shape), convolution.kernel, after=after)
    else:
        dx = torch_gradient(dy.new_empty(()).expand(shape), convolution, dy, of_weight=False)
    if identity and not (identity == 1 and convolution.is_native):
        through = dz if z is None else torch.ops.aten.threshold_backward(dz, z, 0)
        dx[..., ::identity, ::identity] += through[:, : shape[1]]
    return dx


def torch_gradient(x: Tensor, convolution: Convolution, dy: Tensor, *, of_weight: bool) -> Tensor:
    """PyTorch's gradient of a convolution's weight, or else of its input."""
    step, padding = [convolution.kernel.stride] * 2, [convolution.kernel.padding] * 2
    wanted = [not of_weight, of_weight, False]
    arguments = dy, x, convolution.weight, None, step, padding, [1, 1], False, [0, 0], 1, wanted
    dx, dw, _ = torch.ops.aten.convolution_backward(*arguments)
    if of_weight:  # in the weight's layout, as compilers are told; PyTorch's may be channels last
        return dw if dw.stride() == convolution.weight.stride() else torch.empty_like(convolution.weight).copy_(dw)
    return dx.contiguous(memory_format=torch.channels_last)  # type: ignore[no-any-return]
