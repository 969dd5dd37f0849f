"""VGG: the deep plain network that residual networks were measured against.      [Simonyan 2014]"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from resnets.layers.activation import ACTIVATIONS
from resnets.layers.head import DeepHead
from resnets.layers.parts import Parts, Step
from resnets.models.network import Network
from resnets.spec import VGGSpec


class VGG(Network):
    """logits = classifier(stages(images)), with units y = activation(W * x + b) of 3x3 convolutions

    Two 3x3 see what one 5x5 sees, three what one 7x7 sees, with fewer weights and more nonlinearities: so depth was
    bought, up to 19 layers, beyond which training stalled. The last unit of each stage ends in a 2x2 max-pool.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: VGGSpec

    def __init__(self, spec: VGGSpec) -> None:
        super().__init__(spec, stem=nn.Identity(), stages=_stages(spec), final=nn.Sequential(), head=_head(spec))

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """A 3x3 convolution, with its pool if it is the last of its stage."""
        return "3x3 + pool" if hasattr(block, "pool") else "3x3", ""


def _stages(spec: VGGSpec) -> list[list[nn.Module]]:
    parts = Parts(activation=spec.activation, conv_bias=True)
    steps: tuple[Step, ...] = ("norm", "activation") if spec.batch_norm else ("activation",)
    stages: list[list[nn.Module]] = []
    in_channels = spec.in_channels
    for stage, count in enumerate(spec.num_convs):
        channels = spec.stage_channels(stage)
        units: list[nn.Module] = []
        for number in range(count):
            layers = OrderedDict[str, nn.Module](conv=parts.convolution(in_channels, channels, kernel=3))
            layers |= parts.steps(steps, channels)
            if number == count - 1:
                layers["pool"] = nn.MaxPool2d(2, ceil_mode=spec.round_up)
            units.append(nn.Sequential(layers))
            in_channels = channels
        stages.append(units)
    return stages


def _head(spec: VGGSpec) -> DeepHead:
    widths = (spec.out_channels * spec.pooled_size**2, *spec.hidden)
    hidden = [
        nn.Sequential(
            OrderedDict(
                linear=nn.Linear(*ends), activation=ACTIVATIONS[spec.activation](), dropout=nn.Dropout(spec.dropout)
            )
        )
        for ends in pairwise(widths)
    ]
    return DeepHead(spec.pooled_size, hidden, nn.Linear(widths[-1], spec.num_classes))
