"""What the specs of several families share: stages of units behind a stem, or images of one size alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from resnets import values
from resnets.spec.network import (
    MAX_CHANNELS,
    Activation,
    NetworkSpec,
    check_num_blocks,
    size_before_halving,
    usual_image,
)
from resnets.spec.norm import NormSpec


@dataclass(frozen=True, kw_only=True)
class StagedSpec(NetworkSpec):
    """A stem, then stages of units; each stage after the first halves the image."""

    num_blocks: tuple[int, ...] = (3, 3, 3)
    """Units in each stage."""
    stem: Literal["large", "small"] = "small"
    """`large`: 7x7 stride 2 and max-pool. `small`: 3x3."""
    stem_width: int = 16
    """Channels of the stem."""
    activation: Activation = "relu"
    """The nonlinearity."""
    norm: NormSpec = field(default_factory=NormSpec)
    """What normalises, one setting for the whole net."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_blocks(self.num_blocks)
        values.check_range("stem_width", self.stem_width, 1, MAX_CHANNELS)

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image: every layer that halves still finds two pixels to halve."""
        halvings = len(self.num_blocks) - 1 + (2 if self.stem == "large" else 0)
        return size_before_halving(self.norm.least_size, halvings)

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """ImageNet's image for the large stem, else MNIST's or CIFAR's."""
        return usual_image(self.in_channels, photographs=self.stem == "large")


@dataclass(frozen=True, kw_only=True)
class FixedSizeSpec(NetworkSpec):
    """A network whose linear layers take images of one size and no other."""

    image_size: int = 28
    """Height and width of the images, of which the linear layers take no other."""

    @property
    def minimum_size(self) -> int:
        """The one size."""
        return self.image_size

    @property
    def maximum_size(self) -> int:
        """The one size."""
        return self.image_size

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """The one size."""
        return self.in_channels, self.image_size, self.image_size
