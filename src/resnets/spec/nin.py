"""The spec of Network in Network.      [Lin 2013]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, NetworkSpec

POOL = 3
"""Height and width of every pool, which takes steps of two pixels."""
MAX_STAGES = 8
"""Most stages that a spec may ask for; each but the last halves the image."""


@dataclass(frozen=True, kw_only=True)
class MLPConvSpec:
    """One stage: a convolution, 1x1 convolutions after it, a ReLU after each, and a pool.    [Lin 2013, section 3.1]"""

    kernel: int
    """Height and width of the first convolution; odd. Without a step it is padded so that the size stays."""
    widths: tuple[int, ...]
    """Output channels of the convolution and of each 1x1 convolution after it."""
    stride: int = 1
    """Step of the first convolution; where it is more than 1 there is no padding."""
    pooling: Literal["average", "max"] = "max"
    """The 3x3 pool after the stage, with steps of 2; the last stage has none."""
    dropout: float = 0.0
    """Part of the pool's outputs that training sets to zero; the last stage drops none."""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("kernel", self.kernel, 1, 63)
        values.check_range("stride", self.stride, 1, 8)
        if self.kernel % 2 == 0:
            raise ConfigError(f"kernel must be odd, got {self.kernel}.")
        if not self.widths:
            raise ConfigError("widths is empty; a stage needs at least one convolution, e.g. widths=(96, 96, 96).")
        for width in self.widths:
            values.check_range("widths", width, 1, MAX_CHANNELS)
        values.check_fraction("dropout", self.dropout)

    @property
    def padding(self) -> int:
        """Pixels around the image."""
        return self.kernel // 2 if self.stride == 1 else 0


@dataclass(frozen=True, kw_only=True)
class NiNSpec(NetworkSpec):
    """Stages of small perceptrons that slide over the image; a last 1x1 convolution has one map a class.  [Lin 2013]

    The classifier of linear layers, which holds most weights of a VGG, is replaced by the mean of each class's map.
    """

    family: Literal["nin"] = "nin"
    stages: tuple[MLPConvSpec, ...] = (
        MLPConvSpec(kernel=5, widths=(192, 160, 96), dropout=0.5),
        MLPConvSpec(kernel=5, widths=(192, 192, 192), pooling="average", dropout=0.5),
        MLPConvSpec(kernel=3, widths=(192, 192)),
    )
    """The stages; the defaults are the CIFAR net, as Caffe's model zoo has it from the authors."""
    round_up: bool = True
    """Pool what is left over at the edge as well, as Caffe does."""
    usual_size: int = 32
    """Height and width of the images that the network is usually counted at."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.stages) <= MAX_STAGES:
            raise ConfigError(f"stages holds {len(self.stages)}; from 1 to {MAX_STAGES} are possible.")
        values.check_range("usual_size", self.usual_size, self.minimum_size, 4096)

    @property
    def depth(self) -> int:
        """Its convolutions, the 1x1 ones included."""
        return sum(len(stage.widths) for stage in self.stages) + 1

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.stages[-1].widths[-1]

    @property
    def minimum_size(self) -> int:
        """Every pool still finds its 3x3 pixels, and every convolution without padding its kernel."""
        size = 1
        for number, stage in enumerate(reversed(self.stages)):
            size = POOL + 2 * (size - 1) if number else size
            size = max(1, stage.stride * (size - 1) + stage.kernel - 2 * stage.padding)
        return size

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """CIFAR's image, or what `usual_size` says."""
        return self.in_channels, self.usual_size, self.usual_size

    @property
    def summary(self) -> str:
        """The equation of a stage."""
        return "stages of layers y = relu(W * x + b), the first spatial, the others 1x1"
