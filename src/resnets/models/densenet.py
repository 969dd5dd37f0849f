"""The densely connected network: every unit reads all that its stage has put out so far.      [Huang 2017]"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from resnets.layers.head import Head
from resnets.layers.ordering import ARRANGEMENTS, arrange
from resnets.layers.parts import Parts, Step
from resnets.layers.stem import STEMS
from resnets.models.network import Network
from resnets.spec import DenseNetSpec

STEM_STEPS: dict[str, tuple[Step, ...]] = {"large": ("norm", "activation"), "small": ()}
"""After the stem's convolution; a unit begins with both, so a small stem leaves them to it."""


class DenseUnit(nn.Module):
    """y = [x, H(x)]: what a unit finds is added to the list, and nothing on the list is changed.

    Source: [Huang 2017, eq. 2].

    Shapes:
        (N, in_channels, H, W) -> (N, in_channels + growth, H, W)
    """

    def __init__(self, composite: nn.Sequential) -> None:
        super().__init__()
        self.composite = composite

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        return torch.cat([x, self.composite(x)], dim=1)


class Transition(nn.Sequential):
    """Fewer channels by a 1x1 convolution, then half the size by a mean of 2x2.      [Huang 2017, section 3]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, floor(H / 2), floor(W / 2))
    """

    def __init__(self, in_channels: int, out_channels: int, parts: Parts) -> None:
        convolution = parts.convolution(in_channels, out_channels, kernel=1)
        layers = OrderedDict[str, nn.Module](conv=convolution, pool=nn.AvgPool2d(2))
        super().__init__(parts.steps(("norm", "activation"), in_channels) | layers)


class DenseNet(Network):
    """logits = head(final(stages(stem(images)))), with units y = [x, H(x)]

    Where a residual unit adds its branch to x, a dense one sets it beside x: a later unit reads each earlier output
    as it was made, gradients reach it directly, and a unit may be narrow (12 to 48 channels) as it makes nothing anew.
    The transition that halves the image is the first unit of the stage that it leads to, so that a stage's output is
    all that was found at its resolution.

    Differs from the paper's own code in dropout, which stands once at the end of H, as in torchvision.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: DenseNetSpec

    def __init__(self, spec: DenseNetSpec) -> None:
        parts = Parts(norm=spec.norm, activation=spec.activation)
        super().__init__(
            spec,
            stem=STEMS[spec.stem](spec.in_channels, spec.stem_width, STEM_STEPS[spec.stem], parts),
            stages=_stages(spec, parts),
            final=nn.Sequential(parts.steps(("norm", "activation"), spec.out_channels)),
            head=Head(spec.out_channels, spec.num_classes, "average"),
        )

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """`dense` or `transition`."""
        return "transition" if isinstance(block, Transition) else "dense", ""


def _stages(spec: DenseNetSpec, parts: Parts) -> list[list[nn.Module]]:
    stages: list[list[nn.Module]] = []
    channels = spec.stem_width
    for inputs, num_blocks in zip(spec.stage_inputs, spec.num_blocks, strict=True):
        before = [Transition(channels, inputs, parts)] if stages else []
        units = [DenseUnit(_composite(spec, inputs + number * spec.growth, parts)) for number in range(num_blocks)]
        stages.append([*before, *units])
        channels = inputs + num_blocks * spec.growth
    return stages


def _composite(spec: DenseNetSpec, in_channels: int, parts: Parts) -> nn.Sequential:
    """H: norm, activation and 3x3 convolution, with the same three of 1x1 before them in a bottleneck."""
    width = in_channels if spec.bottleneck is None else spec.bottleneck * spec.growth
    reduce = [] if spec.bottleneck is None else [parts.convolution(in_channels, width, kernel=1)]
    spatial = parts.convolution(width, spec.growth, kernel=3)
    composite = arrange([*reduce, spatial], ARRANGEMENTS["full_preactivation"], parts)
    if spec.dropout:
        composite.add_module("dropout", nn.Dropout(spec.dropout))
    return composite
