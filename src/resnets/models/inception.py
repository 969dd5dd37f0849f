"""The Inception networks from their plan: GoogLeNet, BN-Inception, Inception-v3 and v4, Inception-ResNet v1 and v2.

Sources: [Szegedy 2014, Ioffe 2015, Szegedy 2015, Szegedy 2016].
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice

from torch import Tensor, nn

from resnets.layers.auxiliary import AuxiliaryHead
from resnets.layers.block import ResidualBlock
from resnets.layers.branches import ChainMaker, Scale
from resnets.layers.head import Head
from resnets.layers.parts import Parts, Step
from resnets.models.network import Network
from resnets.outputs import Outputs
from resnets.spec import InceptionResNetSpec, InceptionSpec
from resnets.spec.inception.layout import Unit


class Inception(Network):
    """logits = head(final(stages(stem(images)))), with units y = concat(branches(x)) or y = relu(x + scale F(x))

    The unit that halves the image, a pool or a module, is the first of its stage.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: InceptionSpec | InceptionResNetSpec
    stem: nn.Sequential
    final: nn.Sequential
    head: Head

    def __init__(self, spec: InceptionSpec | InceptionResNetSpec) -> None:
        plan, make = spec.plan, _maker(spec)
        channels = plan.unit_channels(spec.in_channels)
        units = iter([build_unit(unit, ends[0], make) for (_, unit), ends in zip(plan.units(), channels, strict=True)])
        outputs = {label: ends[1] for (label, _), ends in zip(plan.units(), channels, strict=True)}
        super().__init__(
            spec,
            stem=make.chain(plan.stem, spec.in_channels),
            stages=[list(islice(units, len(stage))) for stage in plan.stages],
            final=make.chain(plan.final, channels[-1][1]),
            head=Head(spec.out_channels, spec.num_classes, "average", dropout=spec.dropout),
            auxiliary={
                head.after: AuxiliaryHead(head, outputs[head.after], spec.num_classes, make) for head in plan.auxiliary
            },
        )

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """The module's name in its table, and `identity` for a residual block."""
        pairs = zip(self.blocks(), self.spec.plan.units(), strict=True)
        unit = next(unit for (_, module), (_, unit) in pairs if module is block)
        return unit.kind, "" if unit.scale is None else "identity"


class SupervisedInception(Inception):
    """Inception with auxiliary heads, which speak in training only      [Szegedy 2014, section 5]

    They bring a gradient to the early layers; in evaluation they are not computed.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes), in training `Outputs` with those of every head
    """

    def forward(self, images: Tensor) -> Tensor | Outputs:
        """The logits; in training those of the auxiliary heads as well.

        Raises:
            DataError: as `Network.forward`.
        """
        return self.all_outputs(images) if self.training else super().forward(images)

    def all_outputs(self, images: Tensor) -> Outputs:
        """The logits of every head.

        Raises:
            DataError: as `Network.forward`.
        """
        self.check(images)
        x, outputs = self.stem(images), {}
        for label, unit in self.blocks():
            x = outputs[label] = unit(x)
        auxiliary = tuple(head(outputs[label]) for label, head in self.auxiliary.items())
        return Outputs(self.head(self.final(x)), auxiliary)


def inception(spec: InceptionSpec) -> Inception:
    """The network of a spec, with its auxiliary heads if it has any."""
    return SupervisedInception(spec) if spec.auxiliary else Inception(spec)


def build_unit(unit: Unit, in_channels: int, make: ChainMaker) -> nn.Module:
    """A module of branches or a pool; for a residual block F is its branches, a 1x1 back to x's width, and the scale.

    Source: [Szegedy 2016, section 3.2 and 3.3].
    """
    branches = make.step(unit.step, in_channels)
    if unit.scale is None:
        return branches
    expand = nn.Conv2d(unit.step.out_channels(in_channels), in_channels, 1)
    residual = nn.Sequential(OrderedDict(branches=branches, conv=expand, scale=Scale(unit.scale)))
    steps: tuple[Step, ...] = ("activation",) if unit.activated else ()
    return ResidualBlock(residual, nn.Identity(), nn.Sequential(make.parts.steps(steps, in_channels)))


def _maker(spec: InceptionSpec | InceptionResNetSpec) -> ChainMaker:
    has_bias = spec.conv_bias or spec.norm.kind == "none"
    return ChainMaker(Parts(norm=spec.norm, activation=spec.activation, conv_bias=has_bias))
