"""Channel attention: a branch weighs its own channels before it is added to the shortcut."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import Tensor, nn

from resnets.spec import Attention


class ChannelAttention(nn.Module):
    """y = gate(x) x, with one factor between 0 and 1 for each channel of an image

    Shapes:
        (N, channels, H, W) -> the same; the gate's output is (N, channels, 1, 1)
    """

    def __init__(self, gate: nn.Sequential) -> None:
        super().__init__()
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        y: Tensor = self.gate(x) * x
        return y


class AcrossChannels(nn.Conv1d):
    """One small convolution along the channels, so that each sees its neighbours only.

    Shapes:
        (N, channels, 1, 1) -> the same
    """

    def __init__(self, kernel: int) -> None:
        super().__init__(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The channels become a line of pixels and back."""
        y: Tensor = super().forward(x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2)[..., None]


def squeeze_excitation(channels: int, reduction: int) -> ChannelAttention:
    """gate(x) = sigmoid(V relu(W mean(x) + b) + c), over a layer `reduction` times as narrow.  [Hu 2017, section 3]

    A convolution sees a small window; the gate lets the whole image say which channels matter, for hardly any work.
    """
    narrow = max(1, channels // reduction)
    return ChannelAttention(
        nn.Sequential(
            OrderedDict[str, nn.Module](
                pool=nn.AdaptiveAvgPool2d(1),
                reduce=nn.Conv2d(channels, narrow, 1),
                activation=nn.ReLU(),
                expand=nn.Conv2d(narrow, channels, 1),
                sigmoid=nn.Sigmoid(),
            )
        )
    )


def efficient_channel_attention(channels: int, reduction: int) -> ChannelAttention:  # noqa: ARG001  # one signature
    """gate(x) = sigmoid(w * mean(x)), a convolution of a few weights along the channels.  [Wang 2019, section 3.3]

    The narrow layer of squeeze and excitation loses what channels are; without it, 86 weights do for ResNet-50.
    """
    return ChannelAttention(
        nn.Sequential(
            OrderedDict[str, nn.Module](
                pool=nn.AdaptiveAvgPool2d(1), conv=AcrossChannels(reach(channels)), sigmoid=nn.Sigmoid()
            )
        )
    )


def reach(channels: int) -> int:
    """Neighbours that a channel sees: (log2(channels) + 1) / 2, to the next odd number.      [Wang 2019, eq. 12]"""
    whole = int((math.log2(channels) + 1) / 2)
    return max(3, whole + 1 - whole % 2)


ATTENTIONS: Mapping[Attention, Callable[[int, int], nn.Module]] = {
    "se": squeeze_excitation,
    "eca": efficient_channel_attention,
}
"""From channels and reduction to the module that ends a branch; `none` has none."""
