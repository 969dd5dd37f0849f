"""The catalogue counted anew: one row a network, at the image that it is usually counted at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from resnets.inspection.complexity import Complexity, Shape, complexity
from resnets.inspection.structure import Row, structure
from resnets.models.catalogue import names, spec_of
from resnets.models.catalogue.counts import Overview
from resnets.spec import ConvNeXtSpec, InceptionResNetSpec, ResNetSpec, RevNetSpec, ShakeShakeSpec, Spec, replace

Repeating: TypeAlias = ResNetSpec | InceptionResNetSpec | RevNetSpec | ConvNeXtSpec | ShakeShakeSpec
"""The families whose stages repeat one block from the second on."""


def overview() -> list[Overview]:
    """Every network of the catalogue, in its order."""
    return [_overview_of(name) for name in names()]


def _overview_of(name: str) -> Overview:
    spec = spec_of(name)
    shape = spec.usual_input
    cost = repeated_complexity(spec, shape)
    return Overview(
        name=name,
        depth=spec.depth,
        input_shape=shape,
        parameters=cost.parameters,
        macs=cost.macs,
        activations=cost.activations,
    )


def repeated_complexity(spec: Spec, input_shape: Shape) -> Complexity:
    """What `complexity` says, for a family that repeats its blocks from the net with at most two blocks a stage.

    From its second block on, the blocks of a stage are equal. Counting the last one as often as it stands there makes a
    net of 1202 layers as quick to count as one of 14.

    Raises:
        ConfigError: as `complexity`.
    """
    if not isinstance(spec, Repeating):
        return complexity(spec, input_shape)
    short = replace(spec, num_blocks=tuple(min(units, 2) for units in spec.num_blocks))
    rows = list(_repeated(structure(short, input_shape), spec))
    return Complexity(
        parameters=sum(times * row.parameters for times, row in rows),
        macs=sum(times * row.macs for times, row in rows),
        activations=sum(times * row.activations for times, row in rows),
    )


def _repeated(rows: list[Row], spec: Repeating) -> Iterator[tuple[int, Row]]:
    """How often each row of the short net stands in the whole one."""
    last = {row.label.partition("U")[0]: row for row in rows}
    times = {last[f"S{stage}"].label: max(1, units - 1) for stage, units in enumerate(spec.num_blocks, start=1)}
    for row in rows:
        yield times.get(row.label, 1), row
