"""The spec of the residual network with shaken branches.      [Gastaldi 2017]"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, Activation, NetworkSpec, check_num_blocks, usual_image
from resnets.spec.norm import NormSpec


@dataclass(frozen=True, kw_only=True)
class ShakeShakeSpec(NetworkSpec):
    """A residual network of two branches a unit, which training mixes at random.      [Gastaldi 2017]

    Stage i (from 0) has `width * 2**i` channels; the first unit of every stage after the first halves the image.
    """

    family: Literal["shakeshake"] = "shakeshake"
    num_blocks: tuple[int, ...] = (4, 4, 4)
    """Units in each stage."""
    width: int = 32
    """Channels of both branches in the first stage; each later stage doubles them."""
    stem_width: int = 16
    """Channels of the 3x3 stem."""
    activation: Activation = "relu"
    """The nonlinearity."""
    norm: NormSpec = field(default_factory=NormSpec)
    """What normalises, one setting for the whole net."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_blocks(self.num_blocks)
        values.check_range("width", self.width, 2, MAX_CHANNELS)
        values.check_range("stem_width", self.stem_width, 1, MAX_CHANNELS)
        if self.out_channels > MAX_CHANNELS:
            raise ConfigError(
                f"width={self.width} with {len(self.num_blocks)} stages ends at {self.out_channels} channels; "
                f"at most {MAX_CHANNELS} are possible."
            )
        self.norm.check((self.stem_width, *self.stage_channels))

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(self.width << stage for stage in range(len(self.num_blocks)))

    @property
    def depth(self) -> int:
        """Stem, convolutions of one branch of every unit, classifier."""
        return 2 + 2 * sum(self.num_blocks)

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.width << (len(self.num_blocks) - 1)

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image: a shortcut's shifted path still finds a pixel, not padding alone."""
        return (1 << (len(self.num_blocks) - 1)) + 1

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """MNIST's or CIFAR's image."""
        return usual_image(self.in_channels, photographs=False)

    @property
    def summary(self) -> str:
        """The equation of the units."""
        return "units y = a F1(x) + (1 - a) F2(x) + shortcut(x), with a drawn at random in training"
