"""The spec of the dual path network.      [Chen 2017]"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, Activation
from resnets.spec.norm import NormSpec
from resnets.spec.staged import StagedSpec


@dataclass(frozen=True, kw_only=True)
class DPNSpec(StagedSpec):
    """A dual path network: some channels are added to, as in a residual network, others are set beside each other.

    Source: [Chen 2017]. The defaults are DPN-92. Widths double from stage to stage.
    """

    family: Literal["dpn"] = "dpn"
    num_blocks: tuple[int, ...] = (3, 4, 20, 3)
    """Units in each stage."""
    width: int = 96
    """Channels of the first stage's 3x3 convolutions."""
    groups: int = 32
    """Groups of every 3x3 convolution, as in ResNeXt."""
    residual_width: int = 256
    """Channels of the residual path in the first stage."""
    increments: tuple[int, ...] = (16, 32, 24, 128)
    """Channels that each unit of a stage adds to the dense path; where a stage begins, that path is twice as wide."""
    stem: Literal["large", "small"] = "large"
    """`large`: stride 2 and max-pool. `small`: 3x3."""
    stem_width: int = 64
    """Channels of the stem."""
    stem_kernel: int = 7
    """Height and width of the large stem's convolution; DPN-68 has 3."""
    final_activation: Activation = "relu"
    """The nonlinearity before the head; the published weights want this one. Some ports have `elu`."""
    norm: NormSpec = field(default_factory=lambda: NormSpec(eps=1e-3))
    """Batch normalisation's settings, one for the whole net."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.increments) != len(self.num_blocks):
            raise ConfigError(
                f"increments={self.increments} must have one entry for each of the {len(self.num_blocks)} stages."
            )
        for name in ("width", "groups", "residual_width"):
            values.check_range(name, getattr(self, name), 1, MAX_CHANNELS)
        for increment in self.increments:
            values.check_range("increments", increment, 1, MAX_CHANNELS)
        if self.width % self.groups:
            raise ConfigError(f"width={self.width} cannot be divided into groups={self.groups}.")
        if self.stem_kernel not in (3, 5, 7):
            raise ConfigError(f"stem_kernel must be 3, 5 or 7, got {self.stem_kernel}.")
        widest = max(*self.stage_channels, self.width << (len(self.num_blocks) - 1))
        if widest > MAX_CHANNELS:
            raise ConfigError(
                f"width={self.width}, residual_width={self.residual_width} and increments={self.increments} make "
                f"{widest} channels; at most {MAX_CHANNELS} are possible."
            )
        self.norm.check(self.norm_channels)

    @property
    def norm_channels(self) -> tuple[int, ...]:
        """Channels of the norms: of the stem, of every 3x3, and of what every unit puts out."""
        inner, outputs = [], []
        for stage, (units, more) in enumerate(zip(self.num_blocks, self.increments, strict=True)):
            inner.append(self.width << stage)
            outputs += [(self.residual_width << stage) + (unit + 3) * more for unit in range(units)]
        return self.stem_width, *inner, *outputs

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Output channels of each stage: those of the residual path, then those of the dense path."""
        stages = enumerate(zip(self.num_blocks, self.increments, strict=True))
        return tuple((self.residual_width << stage) + (units + 2) * more for stage, (units, more) in stages)

    @property
    def depth(self) -> int:
        """Stem, three convolutions a unit, classifier."""
        return 2 + 3 * sum(self.num_blocks)

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.stage_channels[-1]

    @property
    def summary(self) -> str:
        """The equation of the units."""
        return f"units y = [r + F_r(x), d, F_d(x)] with x = [r, d], {self.groups} groups"
