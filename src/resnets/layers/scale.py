"""One learned number for a whole branch: what keeps a deep network at its scale where no norm does."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """y = scale x, with one learned number.      [Bachlechner 2020, eq. 1; De 2020, section 5; Zhang 2019, section 3.2]

    Shapes:
        any -> the same
    """

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start
        self.weight = nn.Parameter(torch.full((1,), start))

    def reset_parameters(self) -> None:
        """Back to the start."""
        nn.init.constant_(self.weight, self.start)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return self.weight * x

    def extra_repr(self) -> str:
        """The settings, for print(model)."""
        return f"start={self.start:g}"


class Shift(nn.Module):
    """y = x + bias, with one learned number, at first zero.      [Zhang 2019, section 3.2]

    Shapes:
        any -> the same
    """

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def reset_parameters(self) -> None:
        """Back to zero."""
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Add."""
        return x + self.bias
