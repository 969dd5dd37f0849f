"""The residual network with two branches a unit, which training mixes at random.      [Gastaldi 2017]"""

from __future__ import annotations

from torch import nn

from resnets.layers.head import Head
from resnets.layers.ordering import ARRANGEMENTS
from resnets.layers.parts import Parts
from resnets.layers.residual import RESIDUALS
from resnets.layers.shake import ShakeShakeBlock, TwoPathProjection
from resnets.layers.stem import STEMS
from resnets.layers.unit import Unit
from resnets.models.network import Network
from resnets.spec import ShakeShakeSpec

ARRANGEMENT = ARRANGEMENTS["relu_only_preactivation"]


class ShakeShake(Network):
    """logits = head(final(stages(stem(images)))), with units y = a F1(x) + (1 - a) F2(x) + shortcut(x)

    Every unit has two branches that begin with the nonlinearity alone [He 2016, Figure 4]. Their random mixture
    regularises so strongly that the paper trains for 1800 epochs.      [Gastaldi 2017]

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: ShakeShakeSpec

    def __init__(self, spec: ShakeShakeSpec) -> None:
        parts = Parts(norm=spec.norm, activation=spec.activation)
        super().__init__(
            spec,
            stem=STEMS["small"](spec.in_channels, spec.stem_width, ARRANGEMENT.stem, parts),
            stages=_stages(spec, parts),
            final=nn.Sequential(parts.steps(ARRANGEMENT.final, spec.out_channels)),
            head=Head(spec.out_channels, spec.num_classes, "average"),
        )

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """`shake-shake`, and `identity` or `two paths`."""
        return "shake-shake", "identity" if isinstance(block.shortcut, nn.Identity) else "two paths"


def _stages(spec: ShakeShakeSpec, parts: Parts) -> list[list[ShakeShakeBlock]]:
    stages: list[list[ShakeShakeBlock]] = []
    in_channels = spec.stem_width
    for channels, num_blocks in zip(spec.stage_channels, spec.num_blocks, strict=True):
        entry = Unit(in_channels=in_channels, width=channels, out_channels=channels, stride=2 if stages else 1)
        inner = Unit(in_channels=channels, width=channels, out_channels=channels)
        stages.append([_block(unit, parts) for unit in (entry, *[inner] * (num_blocks - 1))])
        in_channels = channels
    return stages


def _block(unit: Unit, parts: Parts) -> ShakeShakeBlock:
    residual1, residual2 = (RESIDUALS["basic"](unit, ARRANGEMENT, parts) for _ in range(2))
    shortcut = TwoPathProjection(unit, parts) if unit.changes_shape else nn.Identity()
    return ShakeShakeBlock(residual1, residual2, shortcut)
