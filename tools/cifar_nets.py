"""The CIFAR networks of three projects, written down anew from their names of weights and what they compute.

They are not packages that can be installed, so tools/parity.py compares with these: each is a function of a table of
weights, so that nothing but the names and the arithmetic is stated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Weights = Mapping[str, Tensor]
Shapes = dict[str, tuple[int, ...]]
Shortcut = Callable[[Weights, str, Tensor, int, int], Tensor]


@dataclass(frozen=True)
class CifarNet:
    """A network of one of the projects."""

    blocks: Sequence[int]
    width: int
    head: str
    projection: str
    """Name of the shortcut's modules; empty for option A."""
    is_bottleneck: bool = False
    is_preactivated: bool = False

    def shapes(self, classes: int = 10) -> Shapes:
        """Every weight's name and shape."""
        shapes: Shapes = {"conv1.weight": (self.width, 3, 3, 3)}
        channels = self.width
        if not self.is_preactivated:
            shapes |= _norm("bn1", channels)
        for prefix, inner, outer, stride in self._units():
            sizes = (
                [(inner, channels, 1), (inner, inner, 3), (outer, inner, 1)]
                if self.is_bottleneck
                else [(inner, channels, 3), (outer, inner, 3)]
            )
            for number, (out, into, kernel) in enumerate(sizes, start=1):
                shapes[f"{prefix}.conv{number}.weight"] = (out, into, kernel, kernel)
                shapes |= _norm(f"{prefix}.bn{number}", into if self.is_preactivated else out)
            if self.projection and (stride != 1 or channels != outer):
                shapes[f"{prefix}.{self.projection}.0.weight"] = (outer, channels, 1, 1)
                if not self.is_preactivated:
                    shapes |= _norm(f"{prefix}.{self.projection}.1", outer)
            channels = outer
        if self.is_preactivated:
            shapes |= _norm("bn", channels)
        return shapes | {f"{self.head}.weight": (classes, channels), f"{self.head}.bias": (classes,)}

    def __call__(self, weights: Weights, images: Tensor) -> Tensor:
        """The logits."""
        x = functional.conv2d(images, weights["conv1.weight"], padding=1)
        if not self.is_preactivated:
            x = functional.relu(_normalised(weights, "bn1", x))
        for prefix, _, outer, stride in self._units():
            unit = self._preactivated if self.is_preactivated else self._original
            x = unit(weights, prefix, x, outer, stride)
        if self.is_preactivated:
            x = functional.relu(_normalised(weights, "bn", x))
        return functional.linear(x.mean(dim=(2, 3)), weights[f"{self.head}.weight"], weights[f"{self.head}.bias"])

    def _units(self) -> list[tuple[str, int, int, int]]:
        units = []
        for stage, count in enumerate(self.blocks):
            inner = self.width * 2**stage
            for unit in range(count):
                outer = inner * (4 if self.is_bottleneck else 1)
                units.append((f"layer{stage + 1}.{unit}", inner, outer, 2 if stage and not unit else 1))
        return units

    def _strides(self, stride: int) -> list[int]:
        if not self.is_bottleneck:
            return [stride, 1]
        return [stride, 1, 1] if self.is_preactivated else [1, stride, 1]

    def _original(self, weights: Weights, prefix: str, x: Tensor, outer: int, stride: int) -> Tensor:
        y = x
        strides = self._strides(stride)
        for number, step in enumerate(strides, start=1):
            weight = weights[f"{prefix}.conv{number}.weight"]
            y = functional.conv2d(y, weight, stride=step, padding=weight.shape[-1] // 2)
            y = _normalised(weights, f"{prefix}.bn{number}", y)
            if number < len(strides):
                y = functional.relu(y)
        return functional.relu(y + self._shortcut(weights, prefix, x, outer, stride))

    def _preactivated(self, weights: Weights, prefix: str, x: Tensor, outer: int, stride: int) -> Tensor:
        activated = functional.relu(_normalised(weights, f"{prefix}.bn1", x))
        y = activated
        for number, step in enumerate(self._strides(stride), start=1):
            if number > 1:
                y = functional.relu(_normalised(weights, f"{prefix}.bn{number}", y))
            weight = weights[f"{prefix}.conv{number}.weight"]
            y = functional.conv2d(y, weight, stride=step, padding=weight.shape[-1] // 2)
        is_projected = stride != 1 or x.shape[1] != outer
        return y + self._shortcut(weights, prefix, activated if is_projected else x, outer, stride)

    def _shortcut(self, weights: Weights, prefix: str, x: Tensor, outer: int, stride: int) -> Tensor:
        if stride == 1 and x.shape[1] == outer:
            return x
        if not self.projection:
            half = outer // 4
            zeros = x.new_zeros(x.shape[0], half, -(-x.shape[2] // 2), -(-x.shape[3] // 2))
            return torch.cat([zeros, x[:, :, ::2, ::2], zeros], dim=1)
        x = functional.conv2d(x, weights[f"{prefix}.{self.projection}.0.weight"], stride=stride)
        return x if self.is_preactivated else _normalised(weights, f"{prefix}.{self.projection}.1", x)


@dataclass(frozen=True)
class CifarVGG:
    """VGG with norms and one linear layer. Its weights are places in a list, where activations and pools count too."""

    convs: Sequence[int]
    """Convolutions in each stage."""

    def shapes(self, classes: int = 10) -> Shapes:
        """Every weight's name and shape."""
        shapes, channels = Shapes(), 3
        for place, width, _ in self._layers():
            shapes |= {f"features.{place}.weight": (width, channels, 3, 3), f"features.{place}.bias": (width,)}
            shapes |= _norm(f"features.{place + 1}", width)
            channels = width
        return shapes | {"classifier.weight": (classes, channels), "classifier.bias": (classes,)}

    def __call__(self, weights: Weights, images: Tensor) -> Tensor:
        """The logits."""
        x = images
        for place, _, is_last in self._layers():
            name = f"features.{place}"
            x = functional.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)
            x = functional.relu(_normalised(weights, f"features.{place + 1}", x))
            x = functional.max_pool2d(x, 2) if is_last else x
        return functional.linear(x.flatten(1), weights["classifier.weight"], weights["classifier.bias"])

    def _layers(self) -> list[tuple[int, int, bool]]:
        """Place and channels of each convolution, and whether a pool ends its stage."""
        layers, place = [], 0
        for stage, count in enumerate(self.convs):
            for number in range(count):
                layers.append((place, min(64 * 2**stage, 512), number == count - 1))
                place += 3
            place += 1
        return layers


@dataclass(frozen=True)
class CifarDenseNet:
    """DenseNet-BC whose units set what they find before what they read."""

    blocks: Sequence[int]
    growth: int

    def shapes(self, classes: int = 10) -> Shapes:
        """Every weight's name and shape."""
        channels = 2 * self.growth
        shapes: Shapes = {"conv1.weight": (channels, 3, 3, 3)}
        for stage, units in enumerate(self.blocks, start=1):
            for unit in range(units):
                name, inner = f"dense{stage}.{unit}", 4 * self.growth
                shapes |= _norm(f"{name}.bn1", channels) | {f"{name}.conv1.weight": (inner, channels, 1, 1)}
                shapes |= _norm(f"{name}.bn2", inner) | {f"{name}.conv2.weight": (self.growth, inner, 3, 3)}
                channels += self.growth
            if stage < len(self.blocks):
                shapes |= _norm(f"trans{stage}.bn", channels)
                shapes |= {f"trans{stage}.conv.weight": (channels // 2, channels, 1, 1)}
                channels //= 2
        shapes |= _norm("bn", channels)
        return shapes | {"linear.weight": (classes, channels), "linear.bias": (classes,)}

    def __call__(self, weights: Weights, images: Tensor) -> Tensor:
        """The logits."""

        def layer(name: str, number: int | str, x: Tensor) -> Tensor:
            x = functional.relu(_normalised(weights, f"{name}.bn{number}", x))
            weight = weights[f"{name}.conv{number}.weight"]
            return functional.conv2d(x, weight, padding=weight.shape[-1] // 2)

        x = functional.conv2d(images, weights["conv1.weight"], padding=1)
        for stage, units in enumerate(self.blocks, start=1):
            for unit in range(units):
                name = f"dense{stage}.{unit}"
                x = torch.cat([layer(name, 2, layer(name, 1, x)), x], dim=1)
            if stage < len(self.blocks):
                x = functional.avg_pool2d(layer(f"trans{stage}", "", x), 2)
        x = functional.relu(_normalised(weights, "bn", x))
        return functional.linear(x.mean(dim=(2, 3)), weights["linear.weight"], weights["linear.bias"])


def _norm(name: str, channels: int) -> Shapes:
    return {f"{name}.{leaf}": (channels,) for leaf in ("weight", "bias", "running_mean", "running_var")}


def _normalised(weights: Weights, name: str, x: Tensor) -> Tensor:
    mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
    return functional.batch_norm(x, mean, variance, weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-5)


def akamaster(depth: int) -> CifarNet:
    """akamaster/pytorch_resnet_cifar10: option A with zeros on both sides."""
    return CifarNet([(depth - 2) // 6] * 3, 16, "linear", "")


def chenyaofo(depth: int) -> CifarNet:
    """chenyaofo/pytorch-cifar-models: option B."""
    return CifarNet([(depth - 2) // 6] * 3, 16, "fc", "downsample")


def kuangliu(blocks: Sequence[int], *, is_bottleneck: bool) -> CifarNet:
    """kuangliu/pytorch-cifar: ImageNet's widths with a 3x3 stem."""
    return CifarNet(blocks, 64, "linear", "shortcut", is_bottleneck)


def facebook(depth: int, *, is_bottleneck: bool) -> CifarNet:
    """Ports of Facebook's pre-activation nets."""
    n = (depth - 2) // (9 if is_bottleneck else 6)
    return CifarNet([n] * 3, 16, "fc", "downsample", is_bottleneck, is_preactivated=True)
