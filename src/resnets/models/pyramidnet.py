"""The pyramidal residual network: every unit is a little wider than the one before.      [Han 2017]"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from itertools import islice

from torch import nn

from resnets.layers.block import PreactivationBlock
from resnets.layers.head import Head
from resnets.layers.ordering import ARRANGEMENTS
from resnets.layers.parts import Parts, Step
from resnets.layers.residual import RESIDUALS
from resnets.layers.shortcut import PooledPadding, ZeroPadding, pooled_option_a
from resnets.layers.stem import STEMS
from resnets.layers.unit import Unit
from resnets.models.network import Network
from resnets.spec import PyramidNetSpec

ARRANGEMENT = ARRANGEMENTS["original"]
STEM_STEPS: Mapping[str, tuple[Step, ...]] = {"large": ("norm", "activation"), "small": ("norm",)}
"""After the stem's convolution."""


def plan(spec: PyramidNetSpec) -> list[list[Unit]]:
    """Every unit of every stage.      [Han 2017, eq. 2 and Table 1]"""
    stages: list[list[Unit]] = []
    widths, in_channels = iter(spec.unit_widths), spec.stem_width
    for num_blocks in spec.num_blocks:
        units: list[Unit] = []
        for width in islice(widths, num_blocks):
            unit = Unit(
                in_channels=in_channels,
                width=width,
                out_channels=width * spec.expansion,
                stride=2 if stages and not units else 1,
                stride_in="3x3",
            )
            units.append(unit)
            in_channels = unit.out_channels
        stages.append(units)
    return stages


class PyramidNet(Network):
    """logits = head(final(stages(stem(images)))), with units y = F(x) + shortcut(x)

    A residual network doubles its width where it halves the image, and no other unit is missed as much as those that
    do. Here all units share the widening. Shortcuts have no weights: they pad x with zeros, so that the new channels
    of a unit are those of its branch alone. A branch begins and ends with a norm and has one nonlinearity fewer than
    convolutions: it is the original unit's, behind one more norm, and nothing follows the addition.

    Source: [Han 2017].

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: PyramidNetSpec

    def __init__(self, spec: PyramidNetSpec) -> None:
        parts = Parts(norm=spec.norm, activation=spec.activation)
        super().__init__(
            spec,
            stem=STEMS[spec.stem](spec.in_channels, spec.stem_width, STEM_STEPS[spec.stem], parts),
            stages=[[_block(spec, unit, parts) for unit in units] for units in plan(spec)],
            final=nn.Sequential(parts.steps(("norm", "activation"), spec.out_channels)),
            head=Head(spec.out_channels, spec.num_classes, "average"),
        )

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """`basic` or `bottleneck`, and `identity`, `A` or `pooled A`."""
        shortcuts = {nn.Identity: "identity", ZeroPadding: "A", PooledPadding: "pooled A"}
        return self.spec.block, shortcuts[type(block.shortcut)]


def _block(spec: PyramidNetSpec, unit: Unit, parts: Parts) -> PreactivationBlock:
    """One unit: a norm and the original branch, beside a shortcut without weights."""
    branch = RESIDUALS[spec.block](unit, ARRANGEMENT, parts)
    first = parts.steps(("norm",), unit.in_channels)
    return PreactivationBlock(
        nn.Sequential(first | OrderedDict(branch.named_children())), pooled_option_a(unit, ARRANGEMENT, parts)
    )
