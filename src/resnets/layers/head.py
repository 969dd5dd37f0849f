"""The head: one number a channel, then one logit a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from resnets.spec import Pooling

POOLINGS: Mapping[Pooling, Callable[[int], nn.Module]] = {"average": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}


class Head(nn.Module):
    """logits = W pool(x) + b

    Shapes:
        (N, in_channels, H, W) -> (N, num_classes)
    """

    def __init__(self, in_channels: int, num_classes: int, pooling: Pooling) -> None:
        super().__init__()
        self.pool = POOLINGS[pooling](1)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(in_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Pool, flatten, classify."""
        logits: Tensor = self.linear(self.flatten(self.pool(x)))
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


def fresh_linear(old: nn.Linear, outputs: int) -> nn.Linear:
    """A new linear layer in the place of an old one, with as many inputs and other outputs."""
    return nn.Linear(old.in_features, outputs, device=old.weight.device, dtype=old.weight.dtype)
