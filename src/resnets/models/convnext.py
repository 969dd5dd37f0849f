"""ConvNeXt: a residual network that was given, one by one, the settings of image transformers.      [Liu 2022]"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import Tensor, nn

from resnets.layers.block import PreactivationBlock
from resnets.layers.head import LinearHead
from resnets.layers.parts import Parts
from resnets.layers.stochastic_depth import StochasticDepth
from resnets.models.network import Network
from resnets.spec import ConvNeXtSpec

EXPANSION = 4
"""A branch's inner layer is four times as wide as its ends.      [Liu 2022, section 2.4]"""


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel alone.      [Ba 2016, section 3; Liu 2022, section 2.6]

    Shapes:
        (N, channels, H, W) -> the same
    """

    def forward(self, x: Tensor) -> Tensor:
        """Bring the channels to the end, normalise, and put them back."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LayerScale(nn.Module):
    """y = weight x, one learned scale a channel that starts near zero.      [Touvron 2021, eq. 4]

    Shapes:
        (N, channels, H, W) -> the same
    """

    def __init__(self, channels: int, start: float) -> None:
        super().__init__()
        self.start = start
        self.weight = nn.Parameter(torch.empty(channels))

    def reset_parameters(self) -> None:
        """Back to where it starts."""
        nn.init.constant_(self.weight, self.start)

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        return self.weight.view(-1, 1, 1) * x


class ConvNeXt(Network):
    """logits = head(final(stages(stem(images)))), with units y = x + F(x)

    The paper starts from ResNet-50 and keeps what helps: stages of 3, 3, 9 and 3 units; a stem of patches; 7x7
    convolutions of one channel each, which come first and look around, and 1x1 layers after them, which mix channels;
    four times the width inside a branch instead of at its ends; one norm and one nonlinearity a branch; layer instead
    of batch normalisation; the step between stages as a layer of its own, here the first unit of the stage that it
    leads to. An output is never activated: the shortcut is free from end to end, as in He 2016.

    Differs from the paper's own code in that its linear layers on channels are 1x1 convolutions, which are the same.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: ConvNeXtSpec

    def __init__(self, spec: ConvNeXtSpec) -> None:
        patches = nn.Conv2d(spec.in_channels, spec.widths[0], spec.patch_size, stride=spec.patch_size)
        stem = OrderedDict[str, nn.Module](conv=patches, norm=ChannelNorm(spec.widths[0], eps=spec.norm_eps))
        final = OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), norm=nn.LayerNorm(spec.out_channels, eps=spec.norm_eps)
        )
        super().__init__(
            spec,
            stem=nn.Sequential(stem),
            stages=_stages(spec),
            final=nn.Sequential(final),
            head=LinearHead(spec.out_channels, spec.num_classes),
        )

    def reset_parameters(self) -> None:
        """Draw all weights anew, from the global generator, and return every scale to its start."""
        super().reset_parameters()
        for module in self.modules():
            if isinstance(module, LayerScale):
                module.reset_parameters()

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """`convnext`, or `downsample` with no shortcut."""
        return ("convnext", "identity") if isinstance(block, PreactivationBlock) else ("downsample", "none")


def _stages(spec: ConvNeXtSpec) -> list[list[nn.Module]]:
    rates = iter(spec.drop_rates)
    steps: list[list[nn.Module]] = [[]]
    steps += [[_downsample(spec, *ends)] for ends in pairwise(spec.widths)]
    return [
        [*step, *(_block(spec, width, next(rates)) for _ in range(number))]
        for step, width, number in zip(steps, spec.widths, spec.num_blocks, strict=True)
    ]


def _downsample(spec: ConvNeXtSpec, in_channels: int, out_channels: int) -> nn.Sequential:
    """Norm, then a 2x2 convolution with stride 2.      [Liu 2022, section 2.6]"""
    norm, convolution = ChannelNorm(in_channels, eps=spec.norm_eps), nn.Conv2d(in_channels, out_channels, 2, stride=2)
    return nn.Sequential(OrderedDict[str, nn.Module](norm=norm, conv=convolution))


def _block(spec: ConvNeXtSpec, channels: int, drop_rate: float) -> PreactivationBlock:
    """Y = x + F(x)      [Liu 2022, Figure 4]"""
    parts = Parts(activation=spec.activation, conv_bias=True)
    branch = OrderedDict[str, nn.Module](
        depthwise=parts.convolution(channels, channels, kernel=7, groups=channels),
        norm=ChannelNorm(channels, eps=spec.norm_eps),
        expand=parts.convolution(channels, EXPANSION * channels, kernel=1),
        **parts.steps(("activation",), channels),
        reduce=parts.convolution(EXPANSION * channels, channels, kernel=1),
    )
    if spec.layer_scale is not None:
        branch["scale"] = LayerScale(channels, spec.layer_scale)
    if drop_rate:
        branch["drop"] = StochasticDepth(1 - drop_rate)
    return PreactivationBlock(nn.Sequential(branch), nn.Identity())
