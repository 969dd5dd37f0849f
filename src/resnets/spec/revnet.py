"""The spec of the reversible residual network.      [Gomez 2017]"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, check_widths
from resnets.spec.resnet import BOTTLENECK_EXPANSION, Block
from resnets.spec.staged import StagedSpec


@dataclass(frozen=True, kw_only=True)
class RevNetSpec(StagedSpec):
    """A reversible residual network, whose training does not store what its units put out.      [Gomez 2017]"""

    family: Literal["revnet"] = "revnet"
    num_blocks: tuple[int, ...] = (3, 3, 3)
    """Units in each stage; a unit has two branches, F and G."""
    block: Block = "basic"
    """The kind of both branches: two 3x3, or a bottleneck."""
    widths: tuple[int, ...] = (32, 64, 112)
    """Channels of each stage, of both halves together; with bottlenecks, a quarter of the units' output."""
    stem_width: int = 32
    """Channels of the stem, of both halves together."""
    recompute: bool = True
    """Compute the units' outputs again on the way backwards instead of storing them; gradients are the same."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_widths(self.widths, self.num_blocks)
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
    def summary(self) -> str:
        """The equations of the units."""
        return f"{self.block} branches in units y1 = x1 + F(x2), y2 = x2 + G(y1)"
