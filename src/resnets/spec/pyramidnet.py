"""The spec of the pyramidal residual network.      [Han 2017]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS
from resnets.spec.resnet import BOTTLENECK_EXPANSION
from resnets.spec.staged import StagedSpec


@dataclass(frozen=True, kw_only=True)
class PyramidNetSpec(StagedSpec):
    """A residual network that is a little wider in every unit, not twice as wide in every stage.      [Han 2017]"""

    family: Literal["pyramidnet"] = "pyramidnet"
    num_blocks: tuple[int, ...] = (18, 18, 18)
    """Units in each stage."""
    alpha: int = 48
    """Channels that all units together add to the stem's.      [Han 2017, eq. 2]"""
    block: Literal["basic", "bottleneck"] = "basic"
    """`basic`: two 3x3. `bottleneck`: 1x1, 3x3 and 1x1 with four times the width at its end."""
    stem_width: int = 16
    """Channels of the stem, which the units' widths start from."""

    def __post_init__(self) -> None:
        super().__post_init__()
        values.check_range("alpha", self.alpha, 1, MAX_CHANNELS)
        if self.out_channels > MAX_CHANNELS:
            raise ConfigError(
                f"alpha={self.alpha} from stem_width={self.stem_width} ends at {self.out_channels} channels with "
                f"block='{self.block}'; at most {MAX_CHANNELS} are possible."
            )
        widths = {self.stem_width, *self.unit_widths}
        self.norm.check(sorted(widths | {width * self.expansion for width in self.unit_widths}))

    @property
    def unit_widths(self) -> tuple[int, ...]:
        """Channels of each unit's 3x3: a straight line from the stem's to alpha more.      [Han 2017, eq. 2]

        The paper rounds down. Its authors' code rounds to the nearest, which makes the nets that they published.
        """
        units = sum(self.num_blocks)
        return tuple(round(self.stem_width + number * self.alpha / units) for number in range(1, units + 1))

    @property
    def expansion(self) -> int:
        """Output channels of a unit over the channels of its 3x3."""
        return BOTTLENECK_EXPANSION if self.block == "bottleneck" else 1

    @property
    def depth(self) -> int:
        """Stem, convolutions of the units, classifier."""
        return 2 + sum(self.num_blocks) * (3 if self.block == "bottleneck" else 2)

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return (self.stem_width + self.alpha) * self.expansion

    @property
    def summary(self) -> str:
        """The equation of the units, and how much wider all of them make the net."""
        return f"{self.block} blocks y = F(x) + shortcut(x) that add {self.alpha} channels of width in all"

    @classmethod
    def cifar(cls, depth: int, alpha: int, **changes: Any) -> PyramidNetSpec:
        """The CIFAR net of a depth: three stages of equal length.      [Han 2017, Table 1]

        Raises:
            ConfigError: if depth is not 6n+2 (with basic units) or 9n+2 (with bottlenecks) with n of at least 1.
        """
        n, remainder = divmod(depth - 2, 9 if changes.get("block") == "bottleneck" else 6)
        if remainder or n < 1:
            raise ConfigError(
                "A CIFAR PyramidNet has depth 6n+2 with basic units (8, 14, ..., 110), 9n+2 with bottlenecks "
                f"(11, 20, ..., 272), got {depth}."
            )
        settings = {"num_blocks": (n, n, n), "alpha": alpha, "num_classes": 10}
        return cls(**(settings | changes))  # type: ignore[arg-type]
