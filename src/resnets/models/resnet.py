"""The residual network, its plain twin and its pre-activation form, from their spec.      [He 2015, He 2016]"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from torch import nn

from resnets.layers.block import Block, PlainBlock, PreactivationBlock, ResidualBlock, SharedPreactivationBlock
from resnets.layers.head import Head
from resnets.layers.ordering import arrangement_of
from resnets.layers.parts import Parts
from resnets.layers.residual import RESIDUALS
from resnets.layers.shortcut import SHORTCUTS, PooledProjection, Projection, ZeroPadding
from resnets.layers.stem import STEMS
from resnets.layers.stochastic_depth import StochasticDepth
from resnets.layers.unit import Unit
from resnets.models.network import Network
from resnets.spec import ResNetSpec


def plan(spec: ResNetSpec) -> list[list[Unit]]:
    """Every unit of every stage; survival falls in a straight line.      [He 2015, Table 1; Huang 2016, eq. 4]"""
    stages: list[list[Unit]] = []
    in_channels, dilation, done = spec.first_width, 1, 0
    for stage, (num_blocks, stride) in enumerate(zip(spec.num_blocks, spec.stage_strides, strict=True)):
        units: list[Unit] = []
        for number in range(num_blocks):
            unit = Unit(
                in_channels=in_channels,
                width=spec.inner_width(stage),
                out_channels=spec.stage_channels(stage),
                groups=spec.groups,
                scale=spec.scale,
                stride=stride if number == 0 else 1,
                stride_in=spec.stride_in,
                dilation=spec.stage_dilations[stage],
                first_dilation=dilation,
                survival=1 - (done + number + 1) / sum(spec.num_blocks) * (1 - spec.survival),
            )
            units.append(unit)
            in_channels, dilation = unit.out_channels, unit.dilation
        stages.append(units)
        done += num_blocks
    return stages


def build_block(spec: ResNetSpec, unit: Unit) -> Block:
    """One unit: its branch, its shortcut, and the equation that joins them."""
    parts, arrangement = _parts(spec), arrangement_of(spec.ordering, spec.branch_scale)
    residual = RESIDUALS[spec.block](unit, arrangement, parts)
    if unit.survival < 1:
        residual.add_module("drop", StochasticDepth(unit.survival))
    activation = nn.Sequential(parts.steps(arrangement.joined, unit.out_channels))
    if spec.shortcut == "none":
        return PlainBlock(residual, activation)
    shortcut = SHORTCUTS[spec.shortcut](unit, arrangement, parts)
    if not arrangement.is_preactivation:
        return ResidualBlock(residual, shortcut, activation)
    if not isinstance(shortcut, Projection):
        return PreactivationBlock(residual, shortcut)
    steps = list(residual.named_children())
    shared = [name for name, _ in steps].index("conv1")
    return SharedPreactivationBlock(
        nn.Sequential(OrderedDict(steps[:shared])), nn.Sequential(OrderedDict(steps[shared:])), shortcut
    )


def _parts(spec: ResNetSpec) -> Parts:
    return Parts(
        norm=spec.norm,
        activation=spec.activation,
        conv_bias=spec.conv_bias,
        projection_norm=spec.projection_norm,
        weight_standardization=spec.weight_standardization,
        attention=spec.attention,
        attention_reduction=spec.attention_reduction,
        dropout=spec.dropout,
    )


class ResNet(Network):
    """logits = head(final(stages(stem(images)))), with units y = relu(F(x) + shortcut(x)) or one of their orderings

    `final` is empty unless units begin with their activation, as then the last one's output still wants one.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: ResNetSpec
    stem: nn.Sequential
    final: nn.Sequential
    head: Head

    def __init__(self, spec: ResNetSpec) -> None:
        parts, arrangement = _parts(spec), arrangement_of(spec.ordering, spec.branch_scale)
        super().__init__(
            spec,
            stem=STEMS[spec.stem](spec.in_channels, spec.first_width, arrangement.stem, parts),
            stages=[[build_block(spec, unit) for unit in units] for units in plan(spec)],
            final=nn.Sequential(parts.steps(arrangement.final, spec.out_channels)),
            head=Head(spec.out_channels, spec.num_classes, spec.pooling),
        )

    def reset_parameters(self) -> None:
        """Draw all weights anew, from the global generator."""
        super().reset_parameters()
        if self.spec.zero_init_residual:
            for _, block in self.blocks():
                block.zero_init_last()
        if self.spec.branch_scale == "fixup" and not self.head.linear.weight.is_meta:
            for _, block in self.blocks():
                block.fixup(sum(self.spec.num_blocks))
            nn.init.zeros_(self.head.linear.weight)
            nn.init.zeros_(self.head.linear.bias)

    def blocks(self) -> Iterator[tuple[str, Block]]:
        """Every unit with its label: `S1U1`, `S1U2`, ..."""
        yield from super().blocks()  # type: ignore[misc]  # all units are blocks

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """`basic`, `bottleneck 32x4d` or the like, and `identity`, `A`, `B`, `C`, `D` or `none`."""
        if isinstance(block, PlainBlock):
            return self.spec.kind, "none"
        projection = self.spec.shortcut
        shortcuts = {
            nn.Identity: "identity", ZeroPadding: "A", Projection: projection, PooledProjection: projection
        }  # fmt: skip
        return self.spec.kind, shortcuts[type(block.shortcut)]
