"""From a picture to the numbers that a network sees: one rule for training, evaluation and prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from resnets import values
from resnets.data.digit import fit_digit
from resnets.errors import ConfigError

Kind = Literal["photo", "digit"]
Resize = Literal["crop", "pad", "stretch"]
Interpolation = Literal["bilinear", "bicubic"]

MIDDLE_GREY = 128
"""Near the mean of most photos, so that what is filled up hardly speaks."""


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
    crop_fraction: float = 1.0
    """Of `crop`: the part of the shorter side that is kept. ImageNet's networks are mostly tested with 0.875."""
    interpolation: Interpolation = "bilinear"
    """How pixels are found between pixels; both are antialiased."""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("size", self.size, 1, 4096)
        if not 0 < self.crop_fraction <= 1:
            raise ConfigError(f"crop_fraction must be above 0 and at most 1, got {self.crop_fraction}.")
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


def prepare(image: Image.Image, preprocessing: Preprocessing) -> Tensor:
    """The picture as the network is shown it, before normalising.

    Shapes:
        any size, mode L or RGB -> uint8 (channels, size, size)

    Raises:
        ImageError: if `kind` is `digit` and there is none.
    """
    return fit_digit(image) if preprocessing.kind == "digit" else fit_photo(image, preprocessing)


def fit_photo(image: Image.Image, preprocessing: Preprocessing) -> Tensor:
    """The picture made square, by antialiased interpolation; `pad` fills up with middle grey.

    Shapes:
        any size, mode L or RGB -> uint8 (channels, size, size)
    """
    size = preprocessing.size
    image = image.convert("L" if preprocessing.channels == 1 else "RGB")
    width, height = image.size
    kind = Image.Resampling[preprocessing.interpolation.upper()]
    if preprocessing.resize == "crop":
        side = min(width, height) * preprocessing.crop_fraction
        left, top = (width - side) / 2, (height - side) / 2
        image = _resized(image, (size, size), (left, top, left + side, top + side), kind)
    elif preprocessing.resize == "stretch":
        image = _resized(image, (size, size), (0, 0, width, height), kind)
    else:
        longest = max(width, height)
        inner = (max(round(size * width / longest), 1), max(round(size * height / longest), 1))
        canvas = Image.new(image.mode, (size, size), MIDDLE_GREY if image.mode == "L" else (MIDDLE_GREY,) * 3)
        canvas.paste(
            _resized(image, inner, (0, 0, width, height), kind), ((size - inner[0]) // 2, (size - inner[1]) // 2)
        )
        image = canvas
    pixels = np.asarray(image, dtype=np.uint8).reshape(size, size, preprocessing.channels)
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def _resized(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float], kind: Image.Resampling
) -> Image.Image:
    # reducing_gap: whole-number averaging first, which makes large photos several times faster
    return image.resize(size, kind, box=box, reducing_gap=3.0)


def normalise(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """(x / 255 - mean) / std, channels last in memory.

    Shapes:
        uint8 (N, C, H, W) -> float32 (N, C, H, W)
    """
    scale = torch.tensor([1 / (255 * std) for std in preprocessing.std])
    offset = torch.tensor([mean / std for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True)])
    floats = images.to(torch.float32).mul_(scale[:, None, None]).sub_(offset[:, None, None])
    return floats.contiguous(memory_format=torch.channels_last)  # last: whole planes are scaled three times faster
