"""The spec of the highway network.      [Srivastava 2015]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnets import values
from resnets.spec.network import MAX_CHANNELS, Activation, NetworkSpec, check_num_blocks, check_widths, usual_image

STRONGEST_GATE = 100.0
"""Largest bias of a gate, open or closed; at 100 a sigmoid is 1 or 0 in any precision."""


@dataclass(frozen=True, kw_only=True)
class HighwaySpec(NetworkSpec):
    """A convolutional highway network: each unit's gate says how much of x it changes.      [Srivastava 2015]

    Where the width changes there is no x to carry, so the stem and the first layer of each later stage are plain.
    """

    family: Literal["highway"] = "highway"
    num_blocks: tuple[int, ...] = (4, 5, 5)
    """Highway units in each stage, plain layers not counted."""
    widths: tuple[int, ...] = (32, 80, 128)
    """Channels of each stage."""
    last_width: int = 0
    """Channels of a 1x1 layer before the mean over the image; 0: there is none."""
    dropout: float = 0.0
    """Part of the numbers that training blanks: of the image, after each max-pool, and before the classifier."""
    gate_bias: float = -2.0
    """Where every gate's bias starts: below zero, units first carry x on.      [Srivastava 2015, section 2.2]"""
    activation: Activation = "relu"
    """The nonlinearity of H."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_blocks(self.num_blocks)
        check_widths(self.widths, self.num_blocks)
        values.check_range("last_width", self.last_width, 0, MAX_CHANNELS)
        values.check_fraction("dropout", self.dropout)
        values.check_range("gate_bias", self.gate_bias, -STRONGEST_GATE, STRONGEST_GATE)

    @property
    def depth(self) -> int:
        """A plain layer and its highway units a stage, the 1x1 layer if there is one, and the classifier."""
        return len(self.num_blocks) + sum(self.num_blocks) + bool(self.last_width) + 1

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.last_width or self.widths[-1]

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image: every max-pool still finds two pixels."""
        return 1 << (len(self.num_blocks) - 1)

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """MNIST's image for a grey network, else CIFAR's."""
        return usual_image(self.in_channels, photographs=False)

    @property
    def summary(self) -> str:
        """The equation of the units, and how far their gates are open at first."""
        return f"units y = T(x) H(x) + (1 - T(x)) x, gates start at a bias of {self.gate_bias:g}"
