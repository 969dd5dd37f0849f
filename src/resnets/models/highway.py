"""The highway network: a gate in each unit decides how much of x is changed.      [Srivastava 2015]"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import Tensor, nn

from resnets.layers.head import Head
from resnets.layers.parts import Parts
from resnets.models.network import Network
from resnets.spec import HighwaySpec

Steps = OrderedDict[str, nn.Module]
"""Named modules, one after the other."""


class HighwayUnit(nn.Module):
    """y = T(x) H(x) + (1 - T(x)) x                               [Srivastava 2015, eq. 3]

    Shapes:
        (N, channels, H, W) -> the same
    """

    def __init__(self, transform: nn.Sequential, gate: nn.Sequential) -> None:
        super().__init__()
        self.transform, self.gate = transform, gate

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        share: Tensor = self.gate(x)
        changed: Tensor = self.transform(x)
        return share * changed + (1 - share) * x

    def set_gate_bias(self, bias: float) -> None:
        """Open or close the gate for every x alike."""
        nn.init.constant_(self.gate.get_parameter("conv.bias"), bias)


class HighwayNet(Network):
    """logits = head(stages(stem(images))), with units y = T(x) H(x) + (1 - T(x)) x

    Half a year older than the residual network, whose unit is this one with both gates fixed open, T = 1 and the
    carry 1: no parameters for gates, and x is never faded out. There is no batch normalisation; deep nets train
    because gates start nearly closed.

    The paper prints depths and parameters of its networks but not their layers. Those of the 19-layer net are in the
    authors' code; the widths of the 32-layer net are ours.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: HighwaySpec

    def __init__(self, spec: HighwaySpec) -> None:
        parts = Parts(activation=spec.activation, conv_bias=True)
        units = [
            [_highway(width, parts) for _ in range(number)]
            for width, number in zip(spec.widths, spec.num_blocks, strict=True)
        ]
        plain = [[_widening(*ends, spec, parts)] for ends in pairwise(spec.widths)]
        super().__init__(
            spec,
            stem=_layer(spec.in_channels, spec.widths[0], parts, before=_dropout(spec)),
            stages=[[*first, *rest] for first, rest in zip([[], *plain], units, strict=True)],
            final=_last(spec, parts),
            head=Head(spec.out_channels, spec.num_classes, "average", dropout=spec.dropout),
        )

    def reset_parameters(self) -> None:
        """Draw all weights anew, from the global generator, and close the gates as far as the spec says."""
        super().reset_parameters()
        for _, block in self.blocks():
            if isinstance(block, HighwayUnit):
                block.set_gate_bias(self.spec.gate_bias)

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """`highway` with a gated shortcut, or `plain` with none."""
        return ("highway", "gated") if isinstance(block, HighwayUnit) else ("plain", "none")


def _layer(
    in_channels: int, out_channels: int, parts: Parts, *, kernel: int = 3, before: Steps | None = None
) -> nn.Sequential:
    convolution = Steps(conv=parts.convolution(in_channels, out_channels, kernel=kernel))
    return nn.Sequential((before or Steps()) | convolution | parts.steps(("activation",), out_channels))


def _widening(in_channels: int, out_channels: int, spec: HighwaySpec, parts: Parts) -> nn.Sequential:
    """Half the size, then a plain layer to the stage's width."""
    return _layer(in_channels, out_channels, parts, before=Steps(pool=nn.MaxPool2d(2)) | _dropout(spec))


def _dropout(spec: HighwaySpec) -> Steps:
    return Steps(dropout=nn.Dropout(spec.dropout)) if spec.dropout else Steps()


def _last(spec: HighwaySpec, parts: Parts) -> nn.Sequential:
    return _layer(spec.widths[-1], spec.last_width, parts, kernel=1) if spec.last_width else nn.Sequential()


def _highway(channels: int, parts: Parts) -> HighwayUnit:
    gate = OrderedDict[str, nn.Module](conv=parts.convolution(channels, channels, kernel=3), sigmoid=nn.Sigmoid())
    return HighwayUnit(_layer(channels, channels, parts), nn.Sequential(gate))
