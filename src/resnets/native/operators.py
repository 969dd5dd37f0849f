"""The operations as PyTorch knows them: with gradients, and with shapes alone for torch.compile and torch.export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from resnets.native import chain, kernels
from resnets.native.chain import Convolution, Norm, Trace
from resnets.native.kernels import Kernel
from resnets.native.library import Kernels, required

_LAST = torch.channels_last


def _kernel(weight: Tensor, stride: int) -> Kernel:
    """A kernel that, with stride 1, keeps the size."""
    return Kernel(weight.shape[2], stride, weight.shape[2] // 2)


def _kernels_for(*tensors: Tensor) -> Kernels:
    """The kernels, for numbers that they compute with.

    Raises:
        ValueError: if they do not.
    """
    for tensor in tensors:
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
            raise ValueError(f"The kernels compute with float32 on a CPU, not with {tensor.dtype} on {tensor.device}.")
    return required()


def run_chain(
    x: Tensor,
    shortcut: Tensor | None,
    convolutions: Sequence[Convolution],
    norms: Sequence[Norm],
    *,
    identity: int,
    relu: bool,
) -> tuple[Tensor, list[Tensor]]:
    """[relu] (chain(x) + shortcut), and the statistics of each norm.

    `identity`: the shortcut is every so many-th pixel of x, with channels of zeros behind its own; 0 for none of x.
    """
    settings = [identity, int(relu)]
    for kernel in (convolution.kernel for convolution in convolutions):
        settings += [kernel.size, kernel.stride, kernel.padding]
    weights = [convolution.weight for convolution in convolutions]
    parameters = [tensor for norm in norms for tensor in (norm.gamma, norm.beta, norm.pivot)]
    z, *found = _Chain.apply(x, shortcut, settings, [norm.eps for norm in norms], *weights, *parameters)  # type: ignore[no-untyped-call]
    return z, found


class _Chain(torch.autograd.Function):
    """The chain with its gradient; the operators stand for it only where PyTorch has to see it, as they cost 0.4 ms."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, shortcut: Tensor | None, settings: list[int], eps: list[float], *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        count = len(eps)
        weights, norms = list(parameters[:count]), list(parameters[count:])
        run = _chain if torch.compiler.is_compiling() else _run
        z, *stored = run(x, shortcut, weights, norms, settings, eps)
        needs_z = settings[1] and (settings[0] or shortcut is not None)
        ctx.settings, ctx.count, ctx.has_shortcut = settings, count, shortcut is not None
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*stored[:count])
        ctx.save_for_backward(x, z if needs_z else None, *weights, *stored)
        return z, *stored[:count]

    @staticmethod
    @once_differentiable  # a second derivative is refused: it would be zero
    def backward(ctx: Any, dz: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
        count, settings = ctx.count, ctx.settings
        if dz is None:
            nothing: tuple[Tensor | None, ...] = (None,) * (4 + 4 * count)
            return nothing
        x, z, *tensors = ctx.saved_tensors
        wants = [ctx.needs_input_grad[0], *ctx.needs_input_grad[4 : 4 + count]]
        differentiate = _chain_backward if torch.compiler.is_compiling() else _run_backward
        found = differentiate(dz, x, z, tensors[:count], tensors[count:], settings, wants)
        dx, *dw = (gradient if wanted else None for gradient, wanted in zip(found, wants, strict=False))
        of_shortcut = None
        if ctx.has_shortcut:
            of_shortcut = torch.ops.aten.threshold_backward(dz, z, 0) if settings[1] else dz
        of_norms = [row for coefficients in found[count + 1 :] for row in (coefficients[2], coefficients[3], None)]
        return dx, of_shortcut, None, None, *dw, *of_norms


def _kernels(settings: list[int]) -> list[Kernel]:
    """From identity and relu, then size, stride and padding of each convolution."""
    return [Kernel(*settings[i : i + 3]) for i in range(2, len(settings), 3)]


def _run(
    x: Tensor,
    shortcut: Tensor | None,
    weights: list[Tensor],
    norms: list[Tensor],
    settings: list[int],
    eps: list[float],
) -> list[Tensor]:
    """z, then of each convolution the statistics, the output, and, behind the first, the input (empty if not kept)."""
    convolutions = list(map(Convolution, weights, _kernels(settings)))
    links = list(map(Norm, norms[::3], norms[1::3], norms[2::3], eps))
    x = x.contiguous(memory_format=_LAST)
    if settings[0]:
        shortcut = chain.subsampled(x, settings[0], len(weights[-1]))
    added = None if shortcut is None else shortcut.contiguous(memory_format=_LAST)
    z, traces = chain.forward(_kernels_for(x, *weights), convolutions, links, x, added, relu=bool(settings[1]))
    kept = [x.new_empty(0) if trace.read is None else trace.read for trace in traces[1:]]
    return [z, *(trace.statistics for trace in traces), *(trace.y for trace in traces), *kept]


def _run_backward(
    dz: Tensor,
    x: Tensor,
    z: Tensor | None,
    weights: list[Tensor],
    stored: list[Tensor],
    settings: list[int],
    wants: list[bool],
) -> list[Tensor]:
    """The gradients of x and of each weight, empty if not wanted; then the coefficients of each norm."""
    count = len(weights)
    convolutions = list(map(Convolution, weights, _kernels(settings)))
    kept = [None if read.numel() == 0 else read for read in stored[2 * count :]]
    reads = [x.contiguous(memory_format=_LAST), *kept]
    traces = list(map(Trace, reads, stored[count : 2 * count], stored[:count]))
    dz = dz.contiguous(memory_format=_LAST)
    identity, relu = settings[0], bool(settings[1])
    dx, found = chain.backward(
        _kernels_for(dz, x, *weights), convolutions, traces, dz, z, relu=relu, identity=identity, wants=wants
    )
    gradients = [dx, *(gradients.weight for gradients in found)]
    norms = [gradients.norm for gradients in found]
    return [x.new_empty(0) if gradient is None else gradient for gradient in gradients] + norms


_chain = torch.library.custom_op("resnets::chain", _run, mutates_args=())
_chain_backward = torch.library.custom_op("resnets::chain_backward", _run_backward, mutates_args=())


@_chain.register_fake
def _(
    x: Tensor,
    shortcut: Tensor | None,  # noqa: ARG001  # shapes do not depend on it
    weights: list[Tensor],
    norms: list[Tensor],  # noqa: ARG001
    settings: list[int],
    eps: list[float],  # noqa: ARG001
) -> list[Tensor]:
    outputs: list[Tensor] = []
    kept: list[Tensor] = []
    height, width = x.shape[2:]
    for weight, kernel in zip(weights, _kernels(settings), strict=True):
        if outputs:
            is_kept = not Convolution(weight, kernel).is_native
            kept.append(torch.empty_like(outputs[-1]) if is_kept else x.new_empty(0))
        height, width = kernel.output_size(height), kernel.output_size(width)
        outputs.append(x.new_empty(x.shape[0], len(weight), height, width).to(memory_format=_LAST))
    statistics = [weight.new_empty(5, len(weight)) for weight in weights]
    return [torch.empty_like(outputs[-1]), *statistics, *outputs, *kept]


@_chain_backward.register_fake
def _(
    dz: Tensor,  # noqa: ARG001
    x: Tensor,
    z: Tensor | None,  # noqa: ARG001
    weights: list[Tensor],
    stored: list[Tensor],  # noqa: ARG001
    settings: list[int],  # noqa: ARG001
    wants: list[bool],
) -> list[Tensor]:
    shapes = [torch.empty_like(x, memory_format=_LAST), *map(torch.empty_like, weights)]
    gradients = [shape if wanted else x.new_empty(0) for shape, wanted in zip(shapes, wants, strict=True)]
    return gradients + [weight.new_empty(4, len(weight)) for weight in weights]


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, *, relu: bool) -> Tensor:
    """[relu] (conv(x) + bias), which keeps its size but for the stride, standing alone."""
    y: Tensor = _Alone.apply(x, weight, bias, stride, relu)  # type: ignore[no-untyped-call]
    return y


class _Alone(torch.autograd.Function):
    """The convolution with its gradient; as an operator it would cost 0.1 ms more."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, relu: bool) -> Tensor:  # noqa: FBT001
        run = _convolution if torch.compiler.is_compiling() else _convolve
        y: Tensor = run(x, weight, bias, stride, relu)
        ctx.stride = stride
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, weight, y if relu else None)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor | None) -> tuple[Tensor | None, ...]:
        if dy is None:
            return (None,) * 5
        wants = list(ctx.needs_input_grad[:3])
        differentiate = _convolution_backward if torch.compiler.is_compiling() else _differentiate
        x, weight, y = ctx.saved_tensors
        found = differentiate(dy, x, weight, y, ctx.stride, wants)
        return *(gradient if wanted else None for gradient, wanted in zip(found, wants, strict=True)), None, None


def _convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, relu: bool) -> Tensor:  # noqa: FBT001
    after = kernels.finish(bias, relu=relu) if relu or bias is not None else None
    x = x.contiguous(memory_format=_LAST)
    return kernels.convolve(_kernels_for(x, weight), x, weight, _kernel(weight, stride), after=after)


def _differentiate(
    dy: Tensor, x: Tensor, weight: Tensor, y: Tensor | None, stride: int, wants: list[bool]
) -> list[Tensor]:
    """The gradients of x, weight and bias, each empty if not wanted; y is given where there was a ReLU."""
    native, kernel = _kernels_for(dy, x, weight), _kernel(weight, stride)
    dy, x = dy.contiguous(memory_format=_LAST), x.contiguous(memory_format=_LAST)
    if y is not None:
        dy = torch.ops.aten.threshold_backward(dy, y, 0)
    dx = kernels.input_gradient(native, dy, weight, tuple(x.shape), kernel) if wants[0] else x.new_empty(0)
    dw = kernels.weight_gradient(native, x, dy, weight, kernel) if wants[1] else x.new_empty(0)
    db = kernels.channel_sums(native, dy, None)[0].to(dy.dtype) if wants[2] else x.new_empty(0)
    return [dx, dw, db]


_convolution = torch.library.custom_op("resnets::convolution", _convolve, mutates_args=())
_convolution_backward = torch.library.custom_op("resnets::convolution_backward", _differentiate, mutates_args=())


@_convolution.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, relu: bool) -> Tensor:  # noqa: ARG001, FBT001
    height, width = map(_kernel(weight, stride).output_size, x.shape[2:])
    return x.new_empty(x.shape[0], len(weight), height, width).to(memory_format=_LAST)


@_convolution_backward.register_fake
def _(
    dy: Tensor,  # noqa: ARG001
    x: Tensor,
    weight: Tensor,
    y: Tensor | None,  # noqa: ARG001
    stride: int,  # noqa: ARG001
    wants: list[bool],
) -> list[Tensor]:
    shapes = [torch.empty_like(x, memory_format=_LAST), torch.empty_like(weight), weight.new_empty(len(weight))]
    return [shape if wanted else x.new_empty(0) for shape, wanted in zip(shapes, wants, strict=True)]
