"""Random changes of whole batches: flip, shift, rotate, scale, shear, bend, erase.

Each image brings its own row of random numbers, so that what happens to it does not depend on its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from resnets.data import elastic
from resnets.data.statistics import histogram
from resnets.errors import ConfigError
from resnets.recipe import Augmentation

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

DRAWS = 8
"""Random numbers per image. Each purpose has its own column: switching one on leaves the others as they were."""
SHIFT, ROTATE, SCALE, SHEAR, FLIP, ERASE = slice(0, 2), 2, 3, 4, 5, slice(6, 8)
BEND = slice(DRAWS, DRAWS + elastic.DRAWS)
"""The columns of elastic distortion, which are there only where it is asked for."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a picture is taken to be embedded in; one colour is one number from 0 to 255 for each channel."""

    beyond: Bytes | None
    """Colour beyond the edge; None: the picture is mirrored there."""
    blank: Bytes
    """Colour of an erased square."""


def surroundings(images: Tensor) -> Surroundings:
    """The colour of most of the outermost pixels, as black around digits; if there is none, mirrors and their mean.

    Shapes:
        uint8 (N, C, H, W) -> (C,)
    """
    rows, columns = images[:, :, [0, -1], :], images[:, :, :, [0, -1]]
    counts = histogram(rows) + histogram(columns)
    common = counts.argmax(axis=1).astype(np.uint8)
    if (counts.max(axis=1) > counts.sum(axis=1) / 2).all():
        return Surroundings(common, common)
    mean = counts @ np.arange(256) / counts.sum(axis=1)
    return Surroundings(None, mean.round().astype(np.uint8))


def augment(images: Bytes, uniform: Floats, settings: Augmentation, around: Surroundings) -> Bytes:
    """The images, each changed as `settings` allows and its own row of `uniform`, from 0 to 1, decides.

    Shapes:
        images (N, C, H, W), uniform (N, draws_of(settings)) -> (N, C, H, W)
    """
    if settings.flip:
        images = np.where((uniform[:, FLIP] < 0.5)[:, None, None, None], images[..., ::-1], images)
    if is_interpolated(settings):
        bend = (
            elastic.displacements(uniform[:, BEND], settings.elastic, *images.shape[2:]) if settings.elastic else None
        )
        images = transform(images, inverse_matrices(uniform, settings), around.beyond, bend)
    elif settings.shift >= 1:
        most = int(settings.shift)
        images = shift(images, _whole(uniform[:, SHIFT], -most, most), most, around.beyond)
    if settings.erase:
        size, half = np.array(images.shape[2:]), settings.erase // 2
        images = erase(
            images, _whole(uniform[:, ERASE], -half, size - settings.erase + half), settings.erase, around.blank
        )
    return images


def draws_of(settings: Augmentation) -> int:
    """Random numbers that an image needs."""
    return BEND.stop if settings.elastic else DRAWS


def is_interpolated(settings: Augmentation) -> bool:
    """Whether pixels must be interpolated; otherwise all shifts are by whole pixels, which is several times faster."""
    return max(settings.rotate, settings.scale, settings.shear, settings.elastic) > 0


def check(settings: Augmentation, size: int) -> None:
    """Refuse changes that could leave nothing of an image of `size` pixels.

    Raises:
        ConfigError: if a shift or an erased square is as large as the image.
    """
    for name, pixels in (("shift", settings.shift), ("erase", settings.erase)):
        if pixels >= size:
            raise ConfigError(
                f"augmentation.{name} must be smaller than the images, which have {size} pixels; got {pixels:g}."
            )


def shift(images: Bytes, offsets: Integers, most: int, beyond: Bytes | None) -> Bytes:
    """Moved by whole pixels, at most `most` either way: each image's window, cut out of the padded batch.

    Shapes:
        images (N, C, H, W), offsets (N, 2) down and right -> (N, C, H, W)
    """
    count, channels, height, width = images.shape
    if beyond is None:
        padded = np.pad(images, ((0, 0), (0, 0), (most, most), (most, most)), mode="symmetric")
    else:
        padded = np.empty((count, channels, height + 2 * most, width + 2 * most), dtype=np.uint8)
        padded[:] = beyond[:, None, None]
        padded[:, :, most : most + height, most : most + width] = images
    windows = sliding_window_view(padded, (height, width), axis=(2, 3))
    top, left = (most - offsets).T
    return windows[np.arange(count), :, top, left]


def transform(images: Bytes, inverses: Floats, beyond: Bytes | None, bend: Floats | None = None) -> Bytes:
    """Each pixel p of the result shows what lies at `inverse` (p, 1) + bend(p), interpolated between four pixels.

    Places are counted from the middle of the image, x to the right and y down, in pixels.

    Shapes:
        images (N, C, H, W), inverses (N, 2, 3), bend (N, 2, H, W) -> (N, C, H, W)
    """
    height, width = images.shape[2:]
    x, y = (torch.arange(side, dtype=torch.float32) - (side - 1) / 2 for side in (width, height))
    # grid_sample counts from -1 at one edge of the image to 1 at the other
    unit = np.array([[2 / width], [2 / height]], dtype=np.float32)
    scaled = inverses * unit
    along_x, along_y, offset = torch.from_numpy(scaled)[..., None].unbind(2)
    places = (along_x * x + offset)[:, :, None, :] + (along_y * y)[:, :, :, None]
    if bend is not None:
        places += torch.from_numpy(bend * unit[..., None])
    floats, level, padding = torch.from_numpy(images).float(), torch.zeros(1, 1, 1), "reflection"
    if beyond is not None:
        level, padding = torch.from_numpy(beyond).float().view(-1, 1, 1), "zeros"
    moved = functional.grid_sample(
        floats.sub_(level), places.permute(0, 2, 3, 1), padding_mode=padding, align_corners=False
    )
    rounded: Bytes = moved.add_(level + 0.5).numpy().astype(np.uint8)
    return rounded


def inverse_matrices(uniform: Floats, settings: Augmentation) -> Floats:
    """The inverse of: scale, then shear, then rotate, then shift.

    Shapes:
        uniform (N, DRAWS) -> (N, 2, 3)
    """
    signed = 2 * uniform.astype(np.float64) - 1  # rounded once, at the end: the same in a batch of any size
    angle = np.radians(settings.rotate) * signed[:, ROTATE]
    slant = np.tan(np.radians(settings.shear) * signed[:, SHEAR])
    shrink = 1 / (1 + settings.scale * signed[:, SCALE])
    cosine, sine = np.cos(angle) * shrink, np.sin(angle) * shrink
    linear = np.stack([cosine + slant * sine, sine - slant * cosine, -sine, cosine], axis=1).reshape(-1, 2, 2)
    offsets = settings.shift * signed[:, SHIFT][:, ::-1, None]  # down and right -> x and y
    return np.concatenate([linear, -linear @ offsets], axis=2).astype(np.float32)


def erase(images: Bytes, corners: Integers, side: int, colour: Bytes) -> Bytes:
    """Blank a square in each image; what lies outside the image is ignored.     [DeVries 2017, section 3.2]

    Shapes:
        images (N, C, H, W), corners (N, 2) top and left, from -side -> (N, C, H, W)
    """
    height, width = images.shape[2:]
    stencil = np.full((2 * height + side, 2 * width + side), 255, dtype=np.uint8)
    stencil[height : height + side, width : width + side] = 0
    top, left = np.array([height, width])[:, None] - corners.T
    keep = sliding_window_view(stencil, (height, width))[top, left][:, None]
    blanked: Bytes = (images & keep) | (colour[:, None, None] & ~keep)
    return blanked


def _whole(uniform: Floats, least: int, most: int | Integers) -> Integers:
    whole: Integers = np.floor(uniform * (most - least + 1)).astype(np.int64) + least
    return whole
