"""AlexNet: the network with which ImageNet's winners became convolutional.      [Krizhevsky 2012, Krizhevsky 2014]"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from resnets.layers.head import DeepHead
from resnets.models.network import Network
from resnets.spec import AlexNetSpec

POOLED = 6
"""Height and width that 224 pixels leave for the classifier."""


class AlexNet(Network):
    """logits = classifier(S2(S1(stem(images)))): convolutions 11x11, 5x5 and thrice 3x3, with ReLU instead of tanh

    In two towers (2012) the second, fourth and fifth convolution have two groups, and the first two responses are
    divided by those of their neighbours. In one (2014) there is neither. Training drops inputs of the hidden layers.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: AlexNetSpec

    def __init__(self, spec: AlexNetSpec) -> None:
        first, second, third, fourth, fifth = spec.widths
        towers = spec.towers
        conv = nn.Conv2d
        super().__init__(
            spec,
            stem=_layer(conv(spec.in_channels, first, 11, stride=4, padding=2), towers == 2, pool=True),
            stages=[
                [_layer(conv(first, second, 5, padding=2, groups=towers), towers == 2, pool=True)],
                [
                    _layer(conv(second, third, 3, padding=1)),
                    _layer(conv(third, fourth, 3, padding=1, groups=towers)),
                    _layer(conv(fourth, fifth, 3, padding=1, groups=towers), pool=True),
                ],
            ],
            final=nn.Sequential(),
            head=_head(spec),
        )

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """A convolution with its kernel, and its pool if it has one."""
        height, width = block.get_parameter("conv.weight").shape[2:]
        return f"{height}x{width}" + (" + pool" if hasattr(block, "pool") else ""), ""


def _layer(convolution: nn.Conv2d, is_normalised: bool = False, *, pool: bool = False) -> nn.Sequential:  # noqa: FBT001, FBT002
    layers = OrderedDict[str, nn.Module](conv=convolution, activation=nn.ReLU())
    if is_normalised:
        # [Krizhevsky 2012, section 3.3]: k = 2, n = 5, alpha = 1e-4, beta = 0.75; PyTorch divides alpha by n
        layers["norm"] = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    if pool:
        layers["pool"] = nn.MaxPool2d(3, stride=2)
    return nn.Sequential(layers)


def _head(spec: AlexNetSpec) -> DeepHead:
    hidden = [
        nn.Sequential(OrderedDict(dropout=nn.Dropout(spec.dropout), linear=nn.Linear(*ends), activation=nn.ReLU()))
        for ends in pairwise((spec.out_channels * POOLED**2, spec.hidden, spec.hidden))
    ]
    return DeepHead(POOLED, hidden, nn.Linear(spec.hidden, spec.num_classes))
