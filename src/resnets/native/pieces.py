"""A row of layers, cut into what the native kernels do at once and what is left to PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnets.layers.norm import BatchNorm2d
from resnets.native import chain, kernels
from resnets.native.kernels import Kernel


@dataclass(frozen=True)
class Pair:
    """A convolution and the batch norm behind it, as modules."""

    convolution: nn.Conv2d
    norm: BatchNorm2d

    @property
    def operand(self) -> chain.Convolution:
        """The convolution as the kernels take it."""
        return chain.Convolution(self.convolution.weight, kernel_of(self.convolution))

    @property
    def bias(self) -> Tensor | None:
        """Of the convolution."""
        return self.convolution.bias

    @property
    def running(self) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, variance and number of batches so far; to be asked only where there are any."""
        norm = self.norm
        found = norm.running_mean, norm.running_var, norm.num_batches_tracked
        return tuple(tensor for tensor in found if tensor is not None)  # type: ignore[return-value]  # all three or none

    @property
    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """What the norm does with its running statistics."""
        mean, variance, _ = self.running
        scale = self.norm.weight * (variance + self.norm.eps).rsqrt()
        return scale, self.norm.bias - (mean if self.bias is None else mean - self.bias) * scale


@dataclass(frozen=True)
class Chain:
    """Consecutive (convolution, norm, ReLU); the last ReLU may be missing."""

    pairs: tuple[Pair, ...]
    ends_with_relu: bool

    def takes(self, channels: int) -> bool:
        """Whether each convolution takes as many channels as come to it, and each norm what its convolution gives."""
        for pair in self.pairs:
            if not takes(pair.convolution, channels):
                return False
            channels = pair.convolution.out_channels
            if not all(_is_row(one, channels) for one in (pair.norm.weight, pair.norm.bias, *pair.running[:2])):
                return False
        return True

    @property
    def gains(self) -> bool:
        """Whether its training step is faster than PyTorch's: with a convolution of ours, or on an image's channels.

        Without the norm behind its first convolution ResNet-20 takes 1.02 times as long; with norms behind PyTorch's
        convolutions a DenseNet-BC of 100 layers takes 1.05 times as long (AMD EPYC).
        """
        convolutions = [pair.operand for pair in self.pairs]
        return self.pairs[0].convolution.in_channels < kernels.PANEL or any(one.is_native for one in convolutions)

    def output_shape(self, x: Tensor) -> tuple[int, int, int, int]:
        """Images, channels, height and width of what comes out."""
        height, width = x.shape[2:]
        for pair in self.pairs:
            kernel = kernel_of(pair.convolution)
            height, width = kernel.output_size(height), kernel.output_size(width)
        return len(x), self.pairs[-1].convolution.out_channels, height, width


@dataclass(frozen=True)
class Lone:
    """A convolution of ours without a norm, and whether a ReLU is behind it."""

    convolution: nn.Conv2d
    relu: bool


def pieces(layers: Sequence[nn.Module]) -> Iterator[Chain | Lone | nn.Module]:
    """The layers in their order, chains gathered up."""
    pairs: list[Pair] = []
    position = 0
    while position < len(layers):
        convolution, behind = layers[position], layers[position + 1] if position + 1 < len(layers) else None
        if _is_plain(convolution) and type(behind) is BatchNorm2d:
            pairs.append(Pair(convolution, behind))  # type: ignore[arg-type]  # _is_plain has looked
            position += 2
            if position < len(layers) and is_relu(layers[position]):
                position += 1
                continue
            yield Chain(tuple(pairs), ends_with_relu=False)
        else:
            if pairs:
                yield Chain(tuple(pairs), ends_with_relu=True)
            is_lone = is_native(convolution)
            relu = is_lone and behind is not None and is_relu(behind)
            yield Lone(convolution, relu) if is_lone else convolution  # type: ignore[arg-type]  # is_native has looked
            position += 1 + relu
        pairs = []
    if pairs:
        yield Chain(tuple(pairs), ends_with_relu=True)


def only_chain(layers: Sequence[nn.Module]) -> Chain | None:
    """The one chain that the layers are, if they are."""
    found = list(pieces(layers))
    return found[0] if len(found) == 1 and isinstance(found[0], Chain) else None


def is_relu(module: nn.Module) -> bool:
    """A ReLU, alone or in a sequence of one."""
    layers = list(module) if isinstance(module, nn.Sequential) else [module]
    return len(layers) == 1 and type(layers[0]) is nn.ReLU


def is_native(module: nn.Module) -> bool:
    """A convolution that the kernels compute, standing alone."""
    return (
        isinstance(module, nn.Conv2d)
        and _is_plain(module)
        and chain.suits(kernel_of(module), module.out_channels, module.in_channels)
    )


def takes(layer: nn.Conv2d, channels: int) -> bool:
    """Whether weight and bias have the shapes that the layer says, for so many channels, and our kind of numbers."""
    shape = (layer.out_channels, channels, *layer.kernel_size)
    has_bias = layer.bias is None or _is_row(layer.bias, layer.out_channels)
    return has_bias and layer.weight.shape == shape and _is_single(layer.weight)


def _is_row(tensor: Tensor, channels: int) -> bool:
    """A number for each channel, side by side in memory."""
    return tensor.shape == (channels,) and tensor.is_contiguous() and _is_single(tensor)


def _is_single(tensor: Tensor) -> bool:
    """Single precision in a CPU's memory, and nothing that only looks like a tensor."""
    return type(tensor) in (Tensor, nn.Parameter) and tensor.dtype == torch.float32 and tensor.device.type == "cpu"


def kernel_of(layer: nn.Conv2d) -> Kernel:
    """Size, stride and padding of a plain convolution."""
    return Kernel(layer.kernel_size[0], layer.stride[0], int(layer.padding[0]))


def _is_plain(layer: nn.Module) -> bool:
    """A convolution with a square kernel, whole panels of outputs, and none of the extras."""
    return type(layer) is nn.Conv2d and not (
        layer.groups > 1 or layer.out_channels % kernels.PANEL or layer.dilation != (1, 1) or not _is_even(layer)
    )


def _is_even(layer: nn.Conv2d) -> bool:
    """The same in height and width, with zeros around."""
    sizes = layer.kernel_size, layer.stride, layer.padding
    return layer.padding_mode == "zeros" and all(len(size) == 2 and size[0] == size[1] for size in sizes)


def reason(layer: nn.Conv2d) -> str:
    """Why a convolution is left to PyTorch; empty if it is not."""
    if type(layer) is not nn.Conv2d:
        return type(layer).__name__
    if is_native(layer):
        return ""
    extras = {
        "groups": layer.groups > 1,
        f"{layer.out_channels} output channels, no multiple of {kernels.PANEL}": layer.out_channels % kernels.PANEL,
        "dilation": layer.dilation != (1, 1),
        "a kernel, stride or padding that is not the same both ways, or not of zeros": not _is_even(layer),
    }
    if found := [extra for extra, is_there in extras.items() if is_there]:
        return ", ".join(found)
    if layer.in_channels % kernels.PANEL:
        return f"{layer.in_channels} input channels, no multiple of {kernels.PANEL}"
    return f"{layer.kernel_size[0]}x{layer.kernel_size[0]} with stride {layer.stride[0]}: PyTorch is as fast"
