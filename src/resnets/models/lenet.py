"""LeNet-5, the convolutional network that read cheques.      [LeCun 1998]"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import nn

from resnets.layers.activation import ACTIVATIONS
from resnets.layers.head import LinearHead
from resnets.layers.lenet import LECUN_TABLE, TableConvolution, TrainableSubsampling
from resnets.models.network import Network
from resnets.spec import LeNetSpec, Subsampling

POOLS: Mapping[Subsampling, Callable[[int], list[tuple[str, nn.Module]]]] = {
    "trainable": lambda channels: [("pool", TrainableSubsampling(channels))],
    "average": lambda _: [("pool", nn.AvgPool2d(2))],
    "max": lambda _: [("pool", nn.MaxPool2d(2))],
}


class LeNet(Network):
    """logits = head(F6(C5(S4(C3(S2(C1(images)))))))

    The stem is C1 and S2, stage S1 is C3 and S4, stage S2 is C5 and F6. Weights are shared over the image, resolution
    falls and the number of maps rises: what all later networks kept.

    Differs from the paper: the output is the linear layer that is usual today. The paper's Gaussian units compare the
    84 numbers of F6 with drawings of the characters, fixed by hand; so its 60,000 trainable parameters end with F6.
    Weights start as in all networks here, convolutions from the spec's distribution (`xavier_uniform` in the catalogue)
    with biases of zero and linear layers as PyTorch does, not from the paper's, uniform in +-2.4 / fan_in
    [LeCun 1998, appendix A].

    Shapes:
        images (N, in_channels, image_size, image_size), float -> logits (N, num_classes)
    """

    spec: LeNetSpec

    def __init__(self, spec: LeNetSpec) -> None:
        first = nn.Conv2d(spec.in_channels, 6, 5, padding=(32 - spec.image_size) // 2)
        second = TableConvolution(LECUN_TABLE, 5) if spec.connections == "table" else nn.Conv2d(6, 16, 5)
        third = [("conv", nn.Conv2d(16, 120, 5)), ("activation", ACTIVATIONS[spec.activation]())]
        sixth = [("linear", nn.Linear(120, 84)), ("activation", ACTIVATIONS[spec.activation]())]
        super().__init__(
            spec,
            stem=_reduced(first, 6, spec),
            stages=[
                [_reduced(second, 16, spec)],
                [
                    nn.Sequential(OrderedDict[str, nn.Module]([*third, ("flatten", nn.Flatten())])),
                    nn.Sequential(OrderedDict[str, nn.Module](sixth)),
                ],
            ],
            final=nn.Sequential(),
            head=LinearHead(84, spec.num_classes),
        )

    def reset_parameters(self) -> None:
        """Draw all weights anew, from the global generator; subsampling starts as the mean."""
        super().reset_parameters()
        for module in self.modules():
            if isinstance(module, TrainableSubsampling):
                module.reset_parameters()

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """The names of its layers."""
        return " ".join(name for name, _ in block.named_children() if name not in ("activation", "flatten")), ""


def _reduced(convolution: nn.Module, channels: int, spec: LeNetSpec) -> nn.Sequential:
    """A convolution and its subsampling, with the nonlinearity after each that has weights."""
    activation = ACTIVATIONS[spec.activation]
    layers = OrderedDict([("conv", convolution), ("activation", activation()), *POOLS[spec.subsampling](channels)])
    if spec.subsampling == "trainable":
        layers["pool_activation"] = activation()
    return nn.Sequential(layers)
