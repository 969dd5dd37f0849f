"""A whole Inception network as data: its stem, its stages of units, and the heads on the way."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from resnets.spec.inception.chain import (
    Chain,
    Conv,
    Fork,
    LocalNorm,
    Pool,
    channels_after,
    depth_of,
    scaled,
    size_after,
)

Stages = tuple[tuple["Unit", ...], ...]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A module of branches or a pool; with a `scale` it is the branch F of a residual block."""

    kind: str
    step: Fork | Pool
    scale: float | None = None
    """Factor of F before the addition; None: y = step(x), without a shortcut.      [Szegedy 2016, section 3.3]"""
    activated: bool = True
    """Whether a residual block ends in an activation; the last one of a network does not."""

    @property
    def depth(self) -> int:
        """Weight layers; a residual block has a 1x1 back to the width of its shortcut."""
        return self.step.depth + (self.scale is not None)

    def out_channels(self, in_channels: int) -> int:
        """Channels that it puts out."""
        return self.step.out_channels(in_channels) if self.scale is None else in_channels


@dataclass(frozen=True, kw_only=True)
class Auxiliary:
    """A classifier on the way, for training only: pool, chain, hidden layer, logits."""

    after: str
    """Label of the unit that it reads, e.g. `S2U2`."""
    grid: int
    """Height and width after its pool."""
    chain: Chain
    hidden: int | None = None
    """Width of its hidden linear layer; None: there is none."""
    dropout: float = 0.0

    def scaled(self, factor: float) -> Auxiliary:
        """With `factor` times the width."""
        hidden = self.hidden and max(1, round(self.hidden * factor))
        return replace(self, chain=scaled(self.chain, factor), hidden=hidden)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A network: chain, stages of units, chain."""

    image_size: int
    """Height and width of the images that it was published for."""
    stem: Chain
    stages: Stages
    final: Chain = ()
    auxiliary: tuple[Auxiliary, ...] = ()

    def scaled(self, factor: float) -> Layout:
        """With `factor` times the width everywhere."""
        stages = tuple(tuple(replace(unit, step=unit.step.scaled(factor)) for unit in stage) for stage in self.stages)
        return replace(
            self,
            stem=scaled(self.stem, factor),
            stages=stages,
            final=scaled(self.final, factor),
            auxiliary=tuple(head.scaled(factor) for head in self.auxiliary),
        )

    def with_small_stem(self) -> Layout:
        """With one 3x3 convolution as wide as the stem's end, for images of about 32 pixels."""
        return replace(self, stem=(Conv(channels_after(self.stem, in_channels=3), 3),))

    def without_local_norms(self) -> Layout:
        """A norm after every convolution makes them superfluous.      [Ioffe 2015, section 4.2.1]"""
        return replace(self, stem=tuple(step for step in self.stem if not isinstance(step, LocalNorm)))

    def units(self) -> Iterator[tuple[str, Unit]]:
        """Every unit with its label: `S1U1`, `S1U2`, ..."""
        for stage, units in enumerate(self.stages, start=1):
            for number, unit in enumerate(units, start=1):
                yield f"S{stage}U{number}", unit

    @property
    def depth(self) -> int:
        """Weight layers on the longest path, with the classifier."""
        return depth_of(self.stem) + sum(unit.depth for _, unit in self.units()) + depth_of(self.final) + 1

    def unit_channels(self, in_channels: int) -> list[tuple[int, int]]:
        """Channels into and out of every unit."""
        ends = [channels_after(self.stem, in_channels)]
        for _, unit in self.units():
            ends.append(unit.out_channels(ends[-1]))
        return list(pairwise(ends))

    def out_channels(self, in_channels: int) -> int:
        """Channels that the head sees."""
        return channels_after(self.final, self.unit_channels(in_channels)[-1][1])

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image of which one pixel is left at the end."""
        chain = (*self.stem, *(unit.step for _, unit in self.units()), *self.final)
        return 1 + bisect_left(range(1, self.image_size), 1, key=lambda size: size_after(chain, size))
