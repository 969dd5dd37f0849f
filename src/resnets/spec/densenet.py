"""The spec of the densely connected network.      [Huang 2017]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, size_before_halving
from resnets.spec.staged import StagedSpec

MAX_RATIO = 64
"""Widest bottleneck that a spec may ask for, in growths; the papers' is 4."""


@dataclass(frozen=True, kw_only=True)
class DenseNetSpec(StagedSpec):
    """A densely connected network: every unit reads what all units of its stage before it put out.      [Huang 2017]

    The defaults are DenseNet-121. Between two stages a transition halves the image and compresses the channels.
    """

    family: Literal["densenet"] = "densenet"
    num_blocks: tuple[int, ...] = (6, 12, 24, 16)
    """Units in each stage, transitions not counted."""
    growth: int = 32
    """Channels that a unit adds to its input (k).      [Huang 2017, section 3]"""
    stem: Literal["large", "small"] = "large"
    """`large`: 7x7 stride 2 and max-pool. `small`: 3x3."""
    stem_width: int = 64
    """Channels of the stem."""
    bottleneck: int | None = 4
    """Width of a 1x1 before each 3x3, in growths (the B of DenseNet-BC). None: no 1x1.      [Huang 2017, section 3]"""
    compression: float = 0.5
    """Share of the channels that a transition keeps (the C of DenseNet-BC).      [Huang 2017, section 3]"""
    dropout: float = 0.0
    """Share of each unit's new numbers that training drops; the paper's is 0.2 where images are not augmented."""

    def __post_init__(self) -> None:
        super().__post_init__()
        values.check_range("growth", self.growth, 1, MAX_CHANNELS)
        if self.bottleneck is not None:
            values.check_range("bottleneck", self.bottleneck, 1, MAX_RATIO)
        if not 0 < self.compression <= 1:
            raise ConfigError(f"compression must be above 0 and at most 1, got {self.compression}.")
        values.check_fraction("dropout", self.dropout)
        if min(self.stage_inputs) < 1:
            raise ConfigError(
                f"compression={self.compression} leaves a stage no channels (its inputs are {self.stage_inputs}); "
                "use a larger one, or a larger growth."
            )
        if self.widest > MAX_CHANNELS:
            raise ConfigError(
                f"growth={self.growth} with num_blocks={self.num_blocks} makes {self.widest} channels; at most "
                f"{MAX_CHANNELS} are possible."
            )
        self.norm.check(self.norm_channels)

    @property
    def stage_inputs(self) -> tuple[int, ...]:
        """Channels that each stage's first unit reads, the transition before it behind."""
        inputs = [self.stem_width]
        for units in self.num_blocks[:-1]:
            inputs.append(int((inputs[-1] + units * self.growth) * self.compression))
        return tuple(inputs)

    @property
    def widest(self) -> int:
        """Channels at the end of the widest stage, or of a bottleneck if that is wider."""
        ends = [first + units * self.growth for first, units in zip(self.stage_inputs, self.num_blocks, strict=True)]
        return max(*ends, (self.bottleneck or 0) * self.growth)

    @property
    def norm_channels(self) -> tuple[int, ...]:
        """Channels of the norms: what every unit reads, the bottlenecks, and what the head sees."""
        stages = zip(self.stage_inputs, self.num_blocks, strict=True)
        read = [first + unit * self.growth for first, units in stages for unit in range(units + 1)]
        return tuple(read) + (() if self.bottleneck is None else (self.bottleneck * self.growth,))

    @property
    def depth(self) -> int:
        """Stem, convolutions of the units, transitions, classifier."""
        return 1 + sum(self.num_blocks) * (1 if self.bottleneck is None else 2) + len(self.num_blocks)

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.stage_inputs[-1] + self.num_blocks[-1] * self.growth

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image: a transition's pool rounds half a pixel down, the stem's layers up."""
        pooled = self.norm.least_size << (len(self.num_blocks) - 1)
        return size_before_halving(pooled, 2 if self.stem == "large" else 0)

    @property
    def summary(self) -> str:
        """The equation of the units, and how much each adds."""
        return f"units y = [x, H(x)] that add {self.growth} channels each"

    @classmethod
    def cifar(cls, depth: int, growth: int, **changes: Any) -> DenseNetSpec:
        """The CIFAR net of a depth: three stages of equal length, DenseNet-BC unless told otherwise.

        Source: [Huang 2017, section 3, implementation details].

        Raises:
            ConfigError: if depth is not 6n+4 (with bottlenecks) or 3n+4 (without) with n of at least 1.
        """
        basic = "bottleneck" in changes and changes["bottleneck"] is None
        n, remainder = divmod(depth - 4, 3 if basic else 6)
        if remainder or n < 1:
            raise ConfigError(
                f"A CIFAR DenseNet has depth 6n+4 with bottlenecks (10, 16, ..., 100, 190), 3n+4 without "
                f"(7, 10, ..., 40), got {depth}."
            )
        settings = {"num_blocks": (n, n, n), "growth": growth, "stem": "small", "num_classes": 10}
        return cls(**(settings | {"stem_width": 2 * growth} | changes))  # type: ignore[arg-type]
