"""The spec of the VGG networks.      [Simonyan 2014]"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, Activation, NetworkSpec, size_before_halving

MAX_STAGES = 8
"""Most stages that a spec may ask for; each halves the image."""
MAX_CONVOLUTIONS = 1000
"""Most convolutions that a spec may ask for; VGG-19 has 16."""


@dataclass(frozen=True, kw_only=True)
class VGGSpec(NetworkSpec):
    """Stages of 3x3 convolutions, a 2x2 max-pool after each, and a classifier of linear layers.   [Simonyan 2014]"""

    family: Literal["vgg"] = "vgg"
    num_convs: tuple[int, ...] = (2, 2, 3, 3, 3)
    """Convolutions in each stage.      [Simonyan 2014, Table 1]"""
    width: int = 64
    """Channels of the first stage; each later one doubles them, up to eight times as many."""
    batch_norm: bool = False
    """Normalise before each nonlinearity; the paper was older than batch normalisation."""
    activation: Activation = "relu"
    """The nonlinearity."""
    round_up: bool = False
    """Pool what is left over at the edge of an odd image as well, so that 28 pixels can be halved five times."""
    pooled_size: int = 7
    """Height and width that the classifier sees, whatever the image: 7 is what 224 pixels leave. 1 for small images."""
    hidden: tuple[int, ...] = (4096, 4096)
    """Widths of the classifier's hidden layers; none for small images."""
    dropout: float = 0.5
    """Part of each hidden layer's outputs that training sets to zero.      [Simonyan 2014, section 3.1]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.num_convs) <= MAX_STAGES:
            raise ConfigError(f"num_convs has {len(self.num_convs)} stages; from 1 to {MAX_STAGES} are possible.")
        if min(self.num_convs) < 1 or sum(self.num_convs) > MAX_CONVOLUTIONS:
            raise ConfigError(
                f"num_convs must be at least 1 a stage and {MAX_CONVOLUTIONS} in all, got {self.num_convs}."
            )
        values.check_range("width", self.width, 1, MAX_CHANNELS // 8)
        values.check_range("pooled_size", self.pooled_size, 1, 64)
        for width in self.hidden:
            values.check_range("hidden", width, 1, MAX_CHANNELS)
        values.check_fraction("dropout", self.dropout)

    def stage_channels(self, stage: int) -> int:
        """Output channels of a stage, counted from 0."""
        return self.width * min(1 << stage, 8)

    @property
    def depth(self) -> int:
        """Weight layers as the paper counts them: convolutions, hidden layers, classifier."""
        return sum(self.num_convs) + len(self.hidden) + 1

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.stage_channels(len(self.num_convs) - 1)

    @property
    def minimum_size(self) -> int:
        """Every pool still finds two pixels to halve."""
        return size_before_halving(1, len(self.num_convs)) if self.round_up else 1 << len(self.num_convs)

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """ImageNet's image for a classifier that pools to more than one pixel, else CIFAR's."""
        size = 32 if self.pooled_size == 1 else 224
        return self.in_channels, size, size

    @property
    def summary(self) -> str:
        """The equation of a layer."""
        return f"layers y = {self.activation}({'BN(W * x + b)' if self.batch_norm else 'W * x + b'}) of 3x3"

    @property
    def for_small_images(self) -> VGGSpec:
        """The same convolutions with the classifier that is usual on 32x32 pixels: one linear layer, ten classes."""
        return dataclasses.replace(self, pooled_size=1, hidden=(), num_classes=10)
