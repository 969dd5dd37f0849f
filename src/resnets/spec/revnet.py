"""The spec of the reversible residual network.      [Gomez 2017]"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, Activation, NetworkSpec, check_num_blocks, check_widths, usual_image
from resnets.spec.norm import NormSpec
from resnets.spec.resnet import BOTTLENECK_EXPANSION, Block


@dataclass(frozen=True, kw_only=True)
class RevNetSpec(NetworkSpec):
    """A reversible residual network, whose training does not store what its units put out.      [Gomez 2017]"""

    family: Literal["revnet"] = "revnet"
    num_blocks: tuple[int, ...] = (3, 3, 3)
    """Units in each stage; a unit has two branches, F and G."""
    block: Block = "basic"
    """The kind of both branches: two 3x3, or a bottleneck."""
    widths: tuple[int, ...] = (32, 64, 112)
    """Channels of each stage, of both halves together; with bottlenecks, a quarter of the units' output."""
    stem: Literal["large", "small"] = "small"
    """`large`: 7x7 stride 2 and max-pool. `small`: 3x3."""
    stem_width: int = 32
    """Channels of the stem, of both halves together."""
    recompute: bool = True
    """Compute the units' outputs again on the way backwards instead of storing them; gradients are the same."""
    activation: Activation = "relu"
    """The nonlinearity."""
    norm: NormSpec = field(default_factory=NormSpec)
    """Batch normalisation's settings, one for the whole net."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_blocks(self.num_blocks)
        check_widths(self.widths, self.num_blocks)
        values.check_range("stem_width", self.stem_width, 1, MAX_CHANNELS)
        for name, width in (("stem_width", self.stem_width), *(("widths", width) for width in self.widths)):
            if width % 2:
                raise ConfigError(f"{name} must be even, as channels are split in two halves; got {width}.")
        if (widest := max(self.stage_channels)) > MAX_CHANNELS:
            raise ConfigError(
                f"widths={self.widths} of bottlenecks end at {widest} channels; at most {MAX_CHANNELS} are possible."
            )
        for inputs, outputs in pairwise((self.stem_width, *self.widths) if self.block == "basic" else ()):
            if outputs < inputs:
                raise ConfigError(
                    f"block='basic' pads channels where the width changes and cannot drop any, but {inputs} are "
                    f"followed by {outputs} (stem_width={self.stem_width}, widths={self.widths})."
                )
        self.norm.check(channels // 2 for channels in (self.stem_width, *self.widths, *self.stage_channels))

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Output channels of each stage."""
        expansion = BOTTLENECK_EXPANSION if self.block == "bottleneck" else 1
        return tuple(width * expansion for width in self.widths)

    @property
    def depth(self) -> int:
        """Stem, convolutions of both branches, classifier."""
        return 2 + sum(self.num_blocks) * 2 * (3 if self.block == "bottleneck" else 2)

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.stage_channels[-1]

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image: every layer that halves still finds two pixels to halve."""
        size = self.norm.least_size
        for _ in range(len(self.num_blocks) - 1 + (2 if self.stem == "large" else 0)):
            size = max(2, 2 * size - 1)  # a strided convolution rounds half a pixel up
        return size

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """ImageNet's image for the large stem, else MNIST's or CIFAR's."""
        return usual_image(self.in_channels, photographs=self.stem == "large")

    @property
    def summary(self) -> str:
        """The equations of the units."""
        return f"{self.block} branches in units y1 = x1 + F(x2), y2 = x2 + G(y1)"
