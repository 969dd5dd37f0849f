"""The spec of the multilayer perceptron; without hidden layers it is the perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, Activation
from resnets.spec.staged import FixedSizeSpec

MAX_LAYERS = 1000
"""Most hidden layers that a spec may ask for."""
MAX_IMAGE_SIZE = 4096
"""Largest image that a fixed input may ask for, in pixels."""


@dataclass(frozen=True, kw_only=True)
class MLPSpec(FixedSizeSpec):
    """Linear layers with a nonlinearity between them, on the image's pixels as a list."""

    family: Literal["mlp"] = "mlp"
    hidden: tuple[int, ...] = (100, 100, 100)
    """Width of each hidden layer; none at all is the perceptron.      [Ioffe 2015, section 4.1]"""
    activation: Activation = "sigmoid"
    """The nonlinearity."""
    batch_norm: bool = False
    """Normalise before each nonlinearity.      [Ioffe 2015, section 3.2]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        values.check_range("image_size", self.image_size, 1, MAX_IMAGE_SIZE)
        if len(self.hidden) > MAX_LAYERS:
            raise ConfigError(f"hidden has {len(self.hidden)} layers; at most {MAX_LAYERS} are possible.")
        for width in self.hidden:
            values.check_range("hidden", width, 1, MAX_CHANNELS)

    @property
    def depth(self) -> int:
        """Its linear layers."""
        return len(self.hidden) + 1

    @property
    def pixels(self) -> int:
        """Numbers in an image."""
        return self.in_channels * self.image_size**2

    @property
    def out_channels(self) -> int:
        """Numbers that the last layer sees."""
        return self.hidden[-1] if self.hidden else self.pixels

    @property
    def summary(self) -> str:
        """The equation of a layer."""
        return f"layers y = {self.activation}({'BN(W x)' if self.batch_norm else 'W x + b'})"
