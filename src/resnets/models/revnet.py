"""The reversible residual network: activations are had back from the output, not stored.      [Gomez 2017]"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from resnets.layers.head import Head
from resnets.layers.ordering import ARRANGEMENTS
from resnets.layers.parts import Parts
from resnets.layers.residual import RESIDUALS
from resnets.layers.reversible import Coupling, ReversibleStage
from resnets.layers.shortcut import SHORTCUTS
from resnets.layers.stem import STEMS
from resnets.layers.unit import Unit
from resnets.models.network import Network
from resnets.spec import RevNetSpec

ARRANGEMENT = ARRANGEMENTS["full_preactivation"]
SHORTCUT = {"basic": "A", "bottleneck": "B"}
"""How each half goes on where its shape changes."""


class RevNet(Network):
    """logits = head(final(stages(stem(images)))), with units y1 = x1 + F(x2), y2 = x2 + G(y1)

    The channels are split in two halves that take turns in changing each other, so that a unit can be undone. A
    training step keeps one output a stage, whatever the depth, and pays by running each branch once more. Only the
    first unit of a stage that changes the shape is an ordinary one and stored. Branches are the pre-activation
    residual network's.

    Differs from the paper's own code in the small parts: the first unit begins with its own norm and nonlinearity
    where the paper has them in the stem, and basic units halve an image by taking every second pixel of x where the
    paper takes the mean of four.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: RevNetSpec

    def __init__(self, spec: RevNetSpec) -> None:
        parts = Parts(norm=spec.norm, activation=spec.activation)
        super().__init__(
            spec,
            stem=STEMS[spec.stem](spec.in_channels, spec.stem_width, ARRANGEMENT.stem, parts),
            stages=_stages(spec, parts),
            final=nn.Sequential(parts.steps(ARRANGEMENT.final, spec.out_channels)),
            head=Head(spec.out_channels, spec.num_classes, "average"),
        )

    def make_stage(self, units: Sequence[nn.Module]) -> nn.Module:
        """The units of one stage, whose outputs are stored or not."""
        stage = super().make_stage(units)
        return ReversibleStage(OrderedDict(stage.named_children())) if self.spec.recompute else stage

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """The kind of the branches, and `identity`, `A` or `B`."""
        reversible = isinstance(block, Coupling) and block.is_reversible
        return f"reversible {self.spec.block}", "identity" if reversible else SHORTCUT[self.spec.block]


def _stages(spec: RevNetSpec, parts: Parts) -> list[list[Coupling]]:
    stages: list[list[Coupling]] = []
    in_channels = spec.stem_width
    for width, out_channels, num_blocks in zip(spec.widths, spec.stage_channels, spec.num_blocks, strict=True):
        first = _coupling(spec, in_channels, width, out_channels, 2 if stages else 1, parts)
        rest = [_coupling(spec, out_channels, width, out_channels, 1, parts) for _ in range(num_blocks - 1)]
        stages.append([first, *rest])
        in_channels = out_channels
    return stages


def _coupling(spec: RevNetSpec, in_channels: int, width: int, out_channels: int, stride: int, parts: Parts) -> Coupling:
    """A unit: F from x2 and with the step, G from y1 and with none."""
    entry = Unit(in_channels=in_channels // 2, width=width // 2, out_channels=out_channels // 2, stride=stride)
    inner = Unit(in_channels=out_channels // 2, width=width // 2, out_channels=out_channels // 2)
    f, g = (RESIDUALS[spec.block](unit, ARRANGEMENT, parts) for unit in (entry, inner))
    shortcut1, shortcut2 = (SHORTCUTS[SHORTCUT[spec.block]](entry, ARRANGEMENT, parts) for _ in range(2))
    return Coupling(f, g, shortcut1, shortcut2)
