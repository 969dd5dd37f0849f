"""The spec of the fractal network.      [Larsson 2016]"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import (
    MAX_CHANNELS,
    MAX_STAGES,
    Activation,
    NetworkSpec,
    size_before_halving,
    usual_image,
)
from resnets.spec.norm import NormSpec

MAX_COLUMNS = 8
"""Most columns that a spec may ask for: the deepest holds 128 convolutions a block."""


@dataclass(frozen=True, kw_only=True)
class FractalNetSpec(NetworkSpec):
    """A fractal network: blocks in which short and long columns of convolutions meet again and again.

    Source: [Larsson 2016, section 2]. Each block ends in a 2x2 max-pool.
    """

    family: Literal["fractalnet"] = "fractalnet"
    columns: int = 3
    """Columns of a block; column i (from 1) has 2**(i - 1) convolutions."""
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    """Channels of each block."""
    round_up: bool = False
    """Pool what is left over at the edge of an odd image as well, so that 28 pixels can be halved five times."""
    drop_path: float = 0.15
    """Chance that a join drops one of its inputs in training, never all.      [Larsson 2016, section 2.1, local]"""
    global_drop_path: float = 0.5
    """Share of batches that train one column alone, from the first block to the last.
    [Larsson 2016, section 2.1, global]"""
    dropout: float = 0.0
    """Share of numbers dropped after the last block's convolutions; earlier blocks drop less, the first none. The
    paper's 0.4 stands for 0, 0.1, 0.2, 0.3 and 0.4."""
    activation: Activation = "relu"
    """The nonlinearity."""
    norm: NormSpec = field(default_factory=NormSpec)
    """Batch normalisation's settings, one for the whole net."""

    def __post_init__(self) -> None:
        super().__post_init__()
        values.check_range("columns", self.columns, 1, MAX_COLUMNS)
        if not 1 <= len(self.widths) <= MAX_STAGES:
            raise ConfigError(
                f"widths has {len(self.widths)} blocks; from 1 to {MAX_STAGES} are possible (each halves the image)."
            )
        for width in self.widths:
            values.check_range("widths", width, 1, MAX_CHANNELS)
        values.check_fraction("drop_path", self.drop_path)
        values.check_fraction("dropout", self.dropout)
        values.check_range("global_drop_path", self.global_drop_path, 0, 1)
        self.norm.check(self.widths)

    @property
    def dropouts(self) -> tuple[float, ...]:
        """The rate of each block, growing evenly from 0."""
        last = max(1, len(self.widths) - 1)
        return tuple(self.dropout * block / last for block in range(len(self.widths)))

    @property
    def depth(self) -> int:
        """The convolutions of the deepest column, and the classifier."""
        return len(self.widths) * (1 << (self.columns - 1)) + 1

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.widths[-1]

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image: every max-pool still finds two pixels."""
        return size_before_halving(1, len(self.widths)) if self.round_up else 1 << len(self.widths)

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """MNIST's image for a grey network that takes one so small, else CIFAR's."""
        channels, height, width = usual_image(self.in_channels, photographs=False)
        return channels, max(height, self.minimum_size), max(width, self.minimum_size)

    @property
    def summary(self) -> str:
        """The equation of the blocks."""
        return f"blocks f(x) = join(conv(x), f(f(x))) of {self.columns} columns"
