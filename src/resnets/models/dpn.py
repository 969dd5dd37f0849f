"""The dual path network: a residual and a dense network in one, on channels of their own.      [Chen 2017]"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from resnets.layers.head import Head
from resnets.layers.ordering import ARRANGEMENTS, arrange
from resnets.layers.parts import Parts, Step
from resnets.layers.stem import large, small
from resnets.models.network import Network
from resnets.spec import DPNSpec

PREACTIVATION: tuple[Step, ...] = ("norm", "activation")


class DualPathUnit(nn.Module):
    """y = [r + F_r(x), d, F_d(x)] with [r, d] = shortcut(x)             [Chen 2017, eq. 5 to 8]

    F is one branch, of which the first channels are added to the residual path and the others set beside the dense one.

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """

    def __init__(self, branch: nn.Sequential, shortcut: nn.Module, residual_channels: int) -> None:
        super().__init__()
        self.branch, self.shortcut, self.residual_channels = branch, shortcut, residual_channels

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        carried, found = self.shortcut(x), self.branch(x)
        residual, dense = carried.tensor_split([self.residual_channels], dim=1)
        added, beside = found.tensor_split([self.residual_channels], dim=1)
        return torch.cat([residual + added, dense, beside], dim=1)


class DPN(Network):
    """logits = head(final(stages(stem(images)))), with units y = [r + F_r(x), d, F_d(x)] for x = [r, d]

    A residual network uses what was found again, a dense one keeps finding new things but stores them over and over.
    Here most channels are a residual path, and a few that grow from unit to unit are a dense one; both read all.
    Branches are bottlenecks with a grouped 3x3, as in ResNeXt, in pre-activation order.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: DPNSpec

    def __init__(self, spec: DPNSpec) -> None:
        parts = Parts(norm=spec.norm, activation=spec.activation)
        last = Parts(norm=spec.norm, activation=spec.final_activation)
        super().__init__(
            spec,
            stem=_stem(spec, parts),
            stages=_stages(spec, parts),
            final=nn.Sequential(last.steps(PREACTIVATION, spec.out_channels)),
            head=Head(spec.out_channels, spec.num_classes, "average"),
        )

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """`dual path`, and `identity` or `projection`."""
        return "dual path", "projection" if isinstance(block.shortcut, nn.Sequential) else "identity"


def _stem(spec: DPNSpec, parts: Parts) -> nn.Sequential:
    if spec.stem == "small":
        return small(spec.in_channels, spec.stem_width, (), parts)
    return large(spec.in_channels, spec.stem_width, PREACTIVATION, parts, kernel=spec.stem_kernel)


def _stages(spec: DPNSpec, parts: Parts) -> list[list[nn.Module]]:
    stages: list[list[nn.Module]] = []
    channels = spec.stem_width
    for stage, num_blocks in enumerate(spec.num_blocks):
        residual, increment = spec.residual_width << stage, spec.increments[stage]
        units: list[nn.Module] = []
        for number in range(num_blocks):
            stride = 2 if stage > 0 and number == 0 else 1
            branch = _branch(spec, channels, stage, stride, parts)
            shortcut = nn.Identity() if number else _projection(channels, residual + 2 * increment, stride, parts)
            units.append(DualPathUnit(branch, shortcut, residual))
            channels = residual + (number + 3) * increment
        stages.append(units)
    return stages


def _branch(spec: DPNSpec, in_channels: int, stage: int, stride: int, parts: Parts) -> nn.Sequential:
    """F: a bottleneck that ends in the channels of both paths.      [Chen 2017, Table 1]"""
    width, outputs = spec.width << stage, (spec.residual_width << stage) + spec.increments[stage]
    reduce = parts.convolution(in_channels, width, kernel=1)
    spatial = parts.convolution(width, width, kernel=3, stride=stride, groups=spec.groups)
    expand = parts.convolution(width, outputs, kernel=1)
    return arrange([reduce, spatial, expand], ARRANGEMENTS["full_preactivation"], parts)


def _projection(in_channels: int, out_channels: int, stride: int, parts: Parts) -> nn.Sequential:
    """Both paths of a stage's first unit, from what the stage before it put out."""
    convolution = parts.convolution(in_channels, out_channels, kernel=1, stride=stride)
    return nn.Sequential(parts.steps(PREACTIVATION, in_channels) | OrderedDict(conv=convolution))
