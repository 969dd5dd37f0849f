"""The spec of AlexNet: as first published, for two GPUs, and on one.      [Krizhevsky 2012, Krizhevsky 2014]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnets import values
from resnets.spec.network import MAX_CHANNELS, NetworkSpec


@dataclass(frozen=True, kw_only=True)
class AlexNetSpec(NetworkSpec):
    """Five convolutions and three linear layers.

    The network of 2012 was spread over two GPUs: its second, fourth and fifth convolution read the half of the channels
    that was on their own GPU, and its first two responses were normalised among neighbouring channels. The network of
    2014, which libraries ship, has neither, and fewer channels.
    """

    family: Literal["alexnet"] = "alexnet"
    towers: Literal[1, 2] = 1
    """1: the network of 2014. 2: the network of 2012, with grouped convolutions and local response normalisation."""
    hidden: int = 4096
    """Width of the classifier's two hidden layers."""
    dropout: float = 0.5
    """Part of the inputs of each hidden layer that training sets to zero.      [Krizhevsky 2012, section 4.2]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        values.check_range("hidden", self.hidden, 1, MAX_CHANNELS)
        values.check_fraction("dropout", self.dropout)

    @property
    def widths(self) -> tuple[int, int, int, int, int]:
        """Output channels of the five convolutions.      [Krizhevsky 2012, section 3.5; Krizhevsky 2014, section 5]"""
        return (64, 192, 384, 256, 256) if self.towers == 1 else (96, 256, 384, 384, 256)

    @property
    def depth(self) -> int:
        """Five convolutions, two hidden layers and the classifier."""
        return 8

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.widths[-1]

    @property
    def minimum_size(self) -> int:
        """The last pool still finds three pixels."""
        return 63

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """ImageNet's image."""
        return self.in_channels, 224, 224

    @property
    def summary(self) -> str:
        """The equation of a layer."""
        return f"layers y = relu(W * x + b), {self.towers} tower{'s' if self.towers == 2 else ''}"
