"""Classifiers in the middle of a network, that bring a gradient to its early layers while it is trained."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from resnets.layers.branches import ChainMaker
from resnets.layers.head import fresh_linear
from resnets.spec.inception.chain import channels_after, size_after
from resnets.spec.inception.layout import Auxiliary


class GridPool(nn.Module):
    """The mean of equal windows, as many as make a grid of a fixed size, with step floor(size / grid).

    On the papers' images these are the papers' windows of 5x5 with step 3: 14x14 pixels to 4x4, 17x17 to 5x5. On an
    image smaller than the grid, pixels are repeated.

    Shapes:
        (N, C, H, W) -> (N, C, grid, grid)
    """

    def __init__(self, grid: int) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """Pool by windows, then fill the grid."""
        strides = [max(1, size // self.grid) for size in x.shape[2:]]
        windows = [min(size, self.grid) for size in x.shape[2:]]
        kernel = [size - (n - 1) * s for size, n, s in zip(x.shape[2:], windows, strides, strict=True)]
        return functional.adaptive_avg_pool2d(functional.avg_pool2d(x, kernel, strides), self.grid)

    def extra_repr(self) -> str:
        """The grid, for print(model)."""
        return f"{self.grid}"


class AuxiliaryHead(nn.Module):
    """logits = W hidden(features(pool(x))) + b      [Szegedy 2014, section 5; Szegedy 2015, section 4]

    Shapes:
        (N, in_channels, H, W) -> (N, num_classes)
    """

    def __init__(self, head: Auxiliary, in_channels: int, num_classes: int, make: ChainMaker) -> None:
        super().__init__()
        self.pool = GridPool(head.grid)
        self.features = make.chain(head.chain, in_channels)
        self.flatten = nn.Flatten()
        inputs = channels_after(head.chain, in_channels) * size_after(head.chain, head.grid) ** 2
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if head.hidden is not None:
            layers["linear"] = nn.Linear(inputs, head.hidden)
            layers |= make.parts.steps(("activation",), head.hidden)
            layers["dropout"] = nn.Dropout(head.dropout)
        self.hidden = nn.Sequential(layers)
        self.linear = nn.Linear(head.hidden or inputs, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Pool, convolve, classify."""
        logits: Tensor = self.linear(self.hidden(self.flatten(self.features(self.pool(x)))))
        return logits

    def replace_linear(self, num_classes: int) -> None:
        """A fresh classifier for other classes, on the device and in the precision of the old one."""
        self.linear = fresh_linear(self.linear, num_classes)
