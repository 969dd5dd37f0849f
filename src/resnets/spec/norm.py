"""What normalises between layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS

NormKind = Literal["batch", "group", "layer", "instance", "sync", "none"]
NORM_KINDS: tuple[str, ...] = get_args(NormKind)

_OVER_BATCH = ("momentum", "eps", "affine", "running_statistics")
SETTINGS_OF: Mapping[NormKind, tuple[str, ...]] = {
    "batch": _OVER_BATCH,
    "sync": _OVER_BATCH,
    "group": ("groups", "eps", "affine"),
    "layer": ("eps", "affine"),
    "instance": ("eps", "affine"),
    "none": (),
}
"""The settings that each kind reads; any other may not be changed."""


@dataclass(frozen=True, kw_only=True)
class NormSpec:
    """What a norm standardises over, and how; the defaults are batch normalisation's in PyTorch.

    Over a batch of images, for each channel: `batch` [Ioffe 2015, Algorithm 1], and `sync` over all processes' batches
    [Peng 2018, section 3]. Over one image: `group` for each group of channels, `layer` for all of them in one group,
    `instance` for each channel  [Wu 2018, section 3.1].
    """

    kind: NormKind = "batch"
    """`batch`, `sync` (over all processes), `group`, `layer` (over an image), `instance` (over a channel) or `none`."""
    groups: int = 32
    """Most groups of channels of kind `group`: fewer where the channels would not make equal ones of two or more."""
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
        values.check_range("norm.groups", self.groups, 1, MAX_CHANNELS)
        if not 0 < self.momentum <= 1:
            raise ConfigError(f"norm.momentum must be above 0 and at most 1, got {self.momentum}.")
        if not 0 < self.eps < 1:
            raise ConfigError(f"norm.eps must be between 0 and 1, got {self.eps}.")
        for item in dataclasses.fields(self)[1:]:
            value = getattr(self, item.name)
            if item.name not in SETTINGS_OF[self.kind] and value != item.default:
                raise ConfigError(f"norm.{item.name}={value} says nothing to norm.kind='{self.kind}'; leave it out.")

    @property
    def has_scale(self) -> bool:
        """Whether there is a scale (gamma) that could start at zero."""
        return self.affine and self.kind != "none"

    @property
    def least_size(self) -> int:
        """Height and width that the last norm needs: over a single pixel, instance normalisation makes zero."""
        return 2 if self.kind == "instance" else 1

    def check(self, channels: Iterable[int]) -> None:
        """Refuse layers whose channels a norm over groups cannot divide.

        Raises:
            ConfigError: as `num_groups`.
        """
        if self.kind == "group":
            for count in channels:
                self.num_groups(count)

    def num_groups(self, channels: int) -> int:
        """Groups that a norm over one image makes of a layer's channels.      [Wu 2018, section 3.1]

        Raises:
            ConfigError: if `groups` is more than one and the channels only make one group.
        """
        if self.kind in ("layer", "instance"):
            return 1 if self.kind == "layer" else channels
        most = min(self.groups, max(1, channels // 2))
        found = next(count for count in range(most, 0, -1) if channels % count == 0)
        if found == 1 < self.groups:
            raise ConfigError(
                f"norm.groups={self.groups} cannot make equal groups of two or more of {channels} channels; choose "
                "another width, or norm.kind='layer' for a single group."
            )
        return found
