"""The head: one number a channel, then one logit a class."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from resnets.spec import Pooling

POOLINGS: Mapping[Pooling, Callable[[int], nn.Module]] = {"average": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}


class Head(nn.Module):
    """logits = W pool(x) + b

    Shapes:
        (N, in_channels, H, W) -> (N, num_classes)
    """

    def __init__(self, in_channels: int, num_classes: int, pooling: Pooling, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.pool = POOLINGS[pooling](1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(in_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Pool, flatten, classify; dropout is for training alone."""
        logits: Tensor = self.linear(self.dropout(self.flatten(self.pool(x))))
        return logits

    def replace_linear(self, num_classes: int) -> None:
        """A fresh classifier for other classes, on the device and in the precision of the old one."""
        self.linear = fresh_linear(self.linear, num_classes)


class LinearHead(nn.Module):
    """logits = W x + b

    Shapes:
        (N, in_features) -> (N, num_classes)
    """

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        logits: Tensor = self.linear(x)
        return logits

    def replace_linear(self, num_classes: int) -> None:
        """A fresh classifier for other classes, on the device and in the precision of the old one."""
        self.linear = fresh_linear(self.linear, num_classes)


class DeepHead(nn.Module):
    """logits = W hidden(pool(x)) + b: a classifier with hidden layers, on a fixed number of pixels.

    Shapes:
        (N, channels, H, W) -> (N, num_classes), with channels * pooled_size**2 inputs of the first hidden layer
    """

    def __init__(self, pooled_size: int, hidden: Sequence[nn.Module], linear: nn.Linear) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(pooled_size)
        self.flatten = nn.Flatten()
        self.hidden = nn.Sequential(OrderedDict((f"layer{number}", layer) for number, layer in enumerate(hidden, 1)))
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """Pool, flatten, hidden layers, classify."""
        logits: Tensor = self.linear(self.hidden(self.flatten(self.pool(x))))
        return logits

    def replace_linear(self, num_classes: int) -> None:
        """A fresh classifier for other classes, on the device and in the precision of the old one."""
        self.linear = fresh_linear(self.linear, num_classes)


class ClassMapHead(nn.Module):
    """logits = mean over the image of relu(W * x + b), W a 1x1 convolution with one map a class

    Shapes:
        (N, in_channels, H, W) -> (N, num_classes)

    Source: [Lin 2013, section 3.2].
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, num_classes, 1)
        self.activation = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()

    def forward(self, x: Tensor) -> Tensor:
        """One map a class, then their means."""
        logits: Tensor = self.flatten(self.pool(self.activation(self.conv(x))))
        return logits

    def replace_linear(self, num_classes: int) -> None:
        """A fresh 1x1 convolution for other classes, on the device and in the precision of the old one."""
        weight = self.conv.weight
        self.conv = nn.Conv2d(weight.shape[1], num_classes, 1, device=weight.device, dtype=weight.dtype)


def fresh_linear(old: nn.Linear, outputs: int) -> nn.Linear:
    """A new linear layer in the place of an old one, with as many inputs and other outputs."""
    return nn.Linear(old.in_features, outputs, device=old.weight.device, dtype=old.weight.dtype)
