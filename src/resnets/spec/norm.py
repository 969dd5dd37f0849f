"""What normalises between layers."""

from __future__ import annotations

from dataclasses import dataclass

from resnets import values
from resnets.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class NormSpec:
    """Batch normalisation's settings; the defaults are PyTorch's.      [Ioffe 2015, Algorithm 1]"""

    momentum: float = 0.1
    """Weight of the newest batch in the running statistics: new = (1 - momentum) old + momentum batch."""
    eps: float = 1e-5
    """Added to the variance before the square root."""
    affine: bool = True
    """Learn a scale and a shift per channel (gamma, beta)."""
    running_statistics: bool = True
    """Keep running statistics for evaluation; without them evaluation uses its own batch."""

    def __post_init__(self) -> None:
        values.check_types(self)
        if not 0 < self.momentum <= 1:
            raise ConfigError(f"norm.momentum must be above 0 and at most 1, got {self.momentum}.")
        if not 0 < self.eps < 1:
            raise ConfigError(f"norm.eps must be between 0 and 1, got {self.eps}.")
