"""The network as a table: one row for the stem, each block, and the head."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from resnets.inspection.complexity import Call, Shape, num_parameters, trace
from resnets.layers.block import Block, PlainBlock
from resnets.layers.shortcut import Projection, ZeroPadding
from resnets.models.resnet import ResNet
from resnets.spec import ResNetSpec


@dataclass(frozen=True, kw_only=True)
class Row:
    """One part of a network."""

    label: str
    """`stem`, `S1U1` (stage 1, unit 1), ..., `final`, `head`."""
    kind: str
    """Of the stem its kind, of a block `basic` or `bottleneck`, of the head its pooling."""
    shortcut: str
    """`identity`, `A`, `B` or `C` in this block; `none` in a plain one; empty outside of blocks."""
    input_shape: Shape
    output_shape: Shape
    stride: int
    """Step in both image directions."""
    parameters: int
    macs: int
    """Multiply-adds for one image; half the FLOPs."""
    activations: int
    """Numbers put out by convolutions, max-pools and linear layers for one image."""


def structure(network: ResNet | ResNetSpec, input_shape: Sequence[int]) -> list[Row]:
    """The rows of a network for an image of (channels, height, width).

    Raises:
        ConfigError: as `resnets.inspection.complexity.trace`.
    """
    model, calls = trace(network, input_shape)
    by_module = {call.module: call for call in calls}
    return [_row(model.spec, *part, by_module) for part in _parts(model)]


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


def _parts(model: ResNet) -> Iterator[tuple[str, str, str, nn.Module]]:
    """Label, kind, shortcut and module of every part."""
    yield "stem", model.spec.stem, "", model.stem
    for label, block in model.blocks():
        yield label, model.spec.block, _shortcut(model.spec, block), block
    if len(model.final):
        yield "final", ", ".join(name for name, _ in model.final.named_children()), "", model.final
    yield "head", model.spec.pooling, "", model.head


def _shortcut(spec: ResNetSpec, block: Block) -> str:
    if isinstance(block, PlainBlock):
        return "none"
    kinds = {nn.Identity: "identity", ZeroPadding: "A", Projection: spec.shortcut}
    return kinds[type(block.shortcut)]


def _row(
    spec: ResNetSpec, label: str, kind: str, shortcut: str, module: nn.Module, calls: Mapping[nn.Module, Call]
) -> Row:
    inside = [calls[member] for member in module.modules()]
    branch = module.residual if isinstance(module, Block) else module
    steps = [layer.stride for layer in branch.modules() if isinstance(layer, nn.Conv2d)]
    return Row(
        label=label,
        kind=kind,
        shortcut=shortcut,
        input_shape=calls[module].input_shape,
        output_shape=calls[module].output_shape,
        stride=spec.stem_stride if label == "stem" else math.prod(step[0] for step in steps),
        parameters=num_parameters(module),
        macs=sum(call.macs for call in inside),
        activations=sum(call.activations for call in inside),
    )
