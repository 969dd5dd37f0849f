"""The multilayer perceptron, the network of the batch-norm paper's first experiment.      [Ioffe 2015, section 4.1]"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from resnets.layers.activation import ACTIVATIONS
from resnets.layers.head import LinearHead
from resnets.models.network import Network
from resnets.spec import MLPSpec


class MLP(Network):
    """logits = W x_n + b with x_i = activation(W_i x_(i-1) + b_i), and x_0 the pixels

    Each hidden layer is a stage of one unit. A bias before batch normalisation would be subtracted again, so there is
    none.

    Shapes:
        images (N, in_channels, image_size, image_size), float -> logits (N, num_classes)
    """

    spec: MLPSpec

    def __init__(self, spec: MLPSpec) -> None:
        widths = (spec.pixels, *spec.hidden)
        super().__init__(
            spec,
            stem=nn.Flatten(),
            stages=[[_layer(spec, *ends)] for ends in pairwise(widths)],
            final=nn.Sequential(),
            head=LinearHead(spec.out_channels, spec.num_classes),
        )

    def kind_of(self, block: nn.Module) -> tuple[str, str]:  # noqa: ARG002  # all are alike
        """A linear layer with its nonlinearity."""
        return "linear", ""


def _layer(spec: MLPSpec, inputs: int, outputs: int) -> nn.Sequential:
    layers = OrderedDict[str, nn.Module](linear=nn.Linear(inputs, outputs, bias=not spec.batch_norm))
    if spec.batch_norm:
        layers["norm"] = nn.BatchNorm1d(outputs)
    return nn.Sequential(layers | OrderedDict(activation=ACTIVATIONS[spec.activation]()))
