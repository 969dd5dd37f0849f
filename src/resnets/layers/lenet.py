"""The two layers that only LeNet-5 has: subsampling with weights, and a convolution that reads chosen maps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional

LECUN_TABLE: tuple[tuple[int, ...], ...] = (
    *(tuple(sorted((first + step) % 6 for step in range(3))) for first in range(6)),
    *(tuple(sorted((first + step) % 6 for step in range(4))) for first in range(6)),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)
"""The maps of S2 that each of the 16 maps of C3 reads, from 0.      [LeCun 1998, Table I]"""


class TrainableSubsampling(nn.Module):
    """y = w (sum of 2x2 pixels) + b, with one w and one b a channel.      [LeCun 1998, section II-B, layer S2]

    Shapes:
        (N, channels, H, W) -> (N, channels, H / 2, W / 2)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as the mean of the pixels."""
        nn.init.constant_(self.weight, 1 / 4)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        sums = functional.avg_pool2d(x, 2, divisor_override=1)
        return sums * self.weight[:, None, None] + self.bias[:, None, None]


class TableConvolution(nn.Module):
    """A convolution of which each output map reads the input maps in its row of a table.   [LeCun 1998, Table I]

    Different maps are to find different features, as they see different inputs. Neighbouring rows of equal length are
    one grouped convolution on the maps that they read.

    Shapes:
        (N, maps, H, W) -> (N, len(table), H - kernel + 1, W - kernel + 1)
    """

    def __init__(self, table: Sequence[Sequence[int]], kernel: int) -> None:
        super().__init__()
        equals = [list(rows) for _, rows in groupby(table, len)]
        self.maps = [[number for row in rows for number in row] for rows in equals]
        self.parts = nn.ModuleList(
            nn.Conv2d(len(maps), len(rows), kernel, groups=len(rows))
            for maps, rows in zip(self.maps, equals, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve each group of rows and put their maps one after the other."""
        return torch.cat([part(x[:, maps]) for part, maps in zip(self.parts, self.maps, strict=True)], dim=1)
