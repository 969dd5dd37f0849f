"""The network as a table: one row for the stem if it has one, each block, and the head."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from resnets.inspection.complexity import Call, Shape, num_parameters, trace
from resnets.models.network import Network
from resnets.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Row:
    """One part of a network."""

    label: str
    """`stem`, `S1U1` (stage 1, unit 1), ..., `final`, `head`."""
    kind: str
    """Of the stem its kind, of a block what it is (`basic`, `bottleneck`, ...), of the head its pooling."""
    shortcut: str
    """`identity`, `A`, `B` or `C` in this block; `none` in a plain one; empty where there cannot be one."""
    input_shape: Shape
    output_shape: Shape
    stride: int
    """Ratio of the input's to the output's size."""
    parameters: int
    macs: int
    """Multiply-adds for one image; half the FLOPs."""
    activations: int
    """Numbers put out by convolutions, max-pools and linear layers for one image."""


def structure(network: Network | Spec, input_shape: Sequence[int]) -> list[Row]:
    """The rows of a network for an image of (channels, height, width).

    Raises:
        ConfigError: as `resnets.inspection.complexity.trace`.
    """
    model, calls = trace(network, input_shape)
    by_module: dict[nn.Module, list[Call]] = {}
    for call in calls:
        by_module.setdefault(call.module, []).append(call)
    return [_row(*part, by_module) for part in _parts(model)]


def total(rows: Sequence[Row]) -> Row:
    """The sum of all rows, from the first one's input to the last one's output."""
    return Row(
        label="total",
        kind="",
        shortcut="",
        input_shape=rows[0].input_shape,
        output_shape=rows[-1].output_shape,
        stride=math.prod(row.stride for row in rows),
        parameters=sum(row.parameters for row in rows),
        macs=sum(row.macs for row in rows),
        activations=sum(row.activations for row in rows),
    )


def _parts(model: Network) -> Iterator[tuple[str, str, str, nn.Module]]:
    """Label, kind, shortcut and module of every part."""
    if not isinstance(model.stem, nn.Identity):
        yield "stem", getattr(model.spec, "stem", ""), "", model.stem
    for label, block in model.blocks():
        yield label, *model.kind_of(block), block
    if any(True for _ in model.final.children()):
        yield "final", ", ".join(name for name, _ in model.final.named_children()), "", model.final
    yield "head", getattr(model.spec, "pooling", ""), "", model.head


def _row(label: str, kind: str, shortcut: str, module: nn.Module, calls: Mapping[nn.Module, list[Call]]) -> Row:
    whole = calls[module][0]
    inside = [call for member in module.modules() for call in calls.get(member, ())]
    return Row(
        label=label,
        kind=kind,
        shortcut=shortcut,
        input_shape=whole.input_shape,
        output_shape=whole.output_shape,
        stride=_stride(whole),
        parameters=num_parameters(module),
        macs=sum(call.macs for call in inside),
        activations=sum(call.activations for call in inside),
    )


def _stride(call: Call) -> int:
    """Ratio of the input's to the output's size, from images to images; 1 where an image becomes a list of numbers."""
    if len(call.output_shape) < 3:
        return 1
    return max(1, round(max(call.input_shape[1:]) / max(call.output_shape[1:])))
