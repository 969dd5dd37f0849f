"""From a picture to the numbers that a network sees: one rule for training, evaluation and prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from resnets import values
from resnets.errors import ConfigError

Kind = Literal["photo", "digit"]
Resize = Literal["crop", "pad", "stretch"]


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a picture becomes `(channels, size, size)` numbers; stored in every model folder."""

    kind: Kind = "photo"
    """`photo`: resized as `resize` says. `digit`: cropped, centred by mass and scaled as MNIST was made."""
    size: int = 32
    """Height and width, in pixels."""
    channels: int = 3
    """1 for grey, 3 for colour."""
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    """Mean of each channel over the training set, pixels from 0 to 1."""
    std: tuple[float, ...] = (0.25, 0.25, 0.25)
    """Standard deviation of each channel over all pixels of the training set."""
    resize: Resize = "crop"
    """`crop` keeps the middle, `pad` keeps everything, `stretch` keeps neither shape nor border."""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("size", self.size, 1, 4096)
        if self.channels not in (1, 3):
            raise ConfigError(f"channels must be 1 (grey) or 3 (colour), got {self.channels}.")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ConfigError(
                f"mean and std need one number for each of the {self.channels} channels, "
                f"got {self.mean} and {self.std}."
            )
        if min(self.std) <= 0:
            raise ConfigError(f"std must be above 0, got {self.std}.")
        if self.kind == "digit" and (self.size, self.channels) != (28, 1):
            raise ConfigError(f"kind='digit' is 28 pixels and grey, got size={self.size}, channels={self.channels}.")


def normalise(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """(x / 255 - mean) / std, channels last in memory.

    Shapes:
        uint8 (N, C, H, W) -> float32 (N, C, H, W)
    """
    scale = 1 / (255 * torch.tensor(preprocessing.std))
    offset = torch.tensor(preprocessing.mean) / torch.tensor(preprocessing.std)
    channel = (1, -1, 1, 1)
    floats = images.to(torch.float32, memory_format=torch.channels_last)
    return floats.mul_(scale.view(channel)).sub_(offset.view(channel))
