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
        old = self.linear
        self.linear = nn.Linear(old.in_features, num_classes, device=old.weight.device, dtype=old.weight.dtype)
