"""What a network's layers are made of: its convolutions, norms and activations, chosen once for the whole net."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from resnets.layers.activation import ACTIVATIONS
from resnets.layers.attention import ATTENTIONS
from resnets.layers.convolution import StandardizedConv2d
from resnets.layers.norm import NORMS
from resnets.layers.scale import Scale, Shift
from resnets.spec import Activation, Attention, NormSpec

Step = Literal["norm", "activation", "dropout", "scale", "unit_scale", "shift", "bias"]
"""A step around convolutions. `scale` starts at zero, `unit_scale` at one; `shift` stands before one, `bias` after."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Makes the parts of one network."""

    norm: NormSpec = field(default_factory=NormSpec)
    activation: Activation = "relu"
    conv_bias: bool = False
    projection_norm: bool = True
    weight_standardization: bool = False
    attention: Attention = "none"
    attention_reduction: int = 16
    dropout: float = 0.0

    def convolution(
        self, in_channels: int, out_channels: int, *, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> nn.Conv2d:
        """A square convolution with an odd kernel, padded so that stride 1 keeps the size.

        Shapes:
            (N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))
        """
        kind = StandardizedConv2d if self.weight_standardization else nn.Conv2d
        return kind(
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            groups=groups,
            bias=self.conv_bias,
        )

    def steps(self, steps: Iterable[Step], channels: int, suffix: str = "") -> OrderedDict[str, nn.Module]:
        """The named modules of some steps, without those that the net has not; `suffix` tells equal ones apart.

        Raises:
            ConfigError: if the norm cannot divide the channels into its groups.
        """
        makers: Mapping[Step, Callable[[], nn.Module]] = {
            "norm": lambda: NORMS[self.norm.kind](channels, self.norm),
            "activation": ACTIVATIONS[self.activation],
            "dropout": lambda: nn.Dropout(self.dropout),
            "scale": lambda: Scale(0.0),
            "unit_scale": lambda: Scale(1.0),
            "shift": Shift,
            "bias": Shift,
        }
        absent = {"norm": self.norm.kind == "none", "dropout": self.dropout == 0}
        present = [step for step in steps if not absent.get(step)]
        return OrderedDict((f"{step.removeprefix('unit_')}{suffix}", makers[step]()) for step in present)

    def attend(self, channels: int) -> OrderedDict[str, nn.Module]:
        """The named module that ends a branch of so many channels; none without attention."""
        if self.attention == "none":
            return OrderedDict()
        return OrderedDict(attention=ATTENTIONS[self.attention](channels, self.attention_reduction))
