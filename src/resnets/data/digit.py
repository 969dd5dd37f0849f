"""A photo or drawing of one digit, made to look as MNIST was made.

MNIST's digits are light ink on black, scaled to fit 20 x 20 pixels with their shape kept, antialiased, and placed in
28 x 28 so that their centre of mass lies in the middle.      [LeCun 1998, section III-A]
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from resnets.data.ink import Floats, find_ink

SIDE, BOX = 28, 20
MIDDLE = 14
"""Row and column of the centre of mass; in all of MNIST it lies from 13.48 to 14.50."""
VISIBLE = 0.1
"""Part of the full ink from which a pixel counts for the digit's size."""
THINNEST, THIN = 1.2, 1.6
"""Width of strokes in pixels of the result: 95 % and 75 % of MNIST's digits have thicker ones."""


def fit_digit(image: Image.Image) -> Tensor:
    """The digit as in MNIST, whatever its size, place, colour, background and lighting.

    A picture of MNIST comes back unchanged.

    Shapes:
        any size, mode L or RGB -> uint8 (1, 28, 28)

    Raises:
        ImageError: if there is no ink.
    """
    picture = np.array(image.convert("L"))
    if not _is_mnist(picture):
        picture = _centred(_scaled(_thickened(find_ink(image))))
    return torch.from_numpy(picture[None])


def _thickened(ink: Floats) -> Floats:
    """Strokes that would all but vanish, as a ballpoint's on a large sheet, widened evenly to those of a thin pen."""
    rows, columns = _extent(ink > VISIBLE)
    shrink = BOX / max(rows.stop - rows.start, columns.stop - columns.start)
    width = shrink * _stroke_width(ink > 0.5)
    more = round((THIN - width) / (2 * shrink)) if width < THINNEST else 0
    if more == 0:
        return ink
    spread = Image.fromarray(np.pad(ink, more)).filter(ImageFilter.MaxFilter(2 * more + 1))
    return np.array(spread)


def _stroke_width(mask: NDArray[np.bool_]) -> float:
    """In pixels: a stroke of length l and width w has the area l w and a rim of 2 l."""
    padded = np.pad(mask, 1)
    rim = int((padded[1:] != padded[:-1]).sum()) + int((padded[:, 1:] != padded[:, :-1]).sum())
    return 2 * int(mask.sum()) / max(rim, 1)


def _scaled(ink: Floats) -> Floats:
    """Cut out and scaled so that the longer side is as long as the box."""
    rows, columns = _extent(ink > VISIBLE)
    cut = ink[rows, columns]
    shrink = BOX / max(cut.shape)
    height, width = (max(round(side * shrink), 1) for side in cut.shape)
    small: Floats = np.array(Image.fromarray(cut).resize((width, height), Image.Resampling.BOX))
    small /= small.max()  # thin strokes are grey after shrinking
    return small


def _centred(ink: Floats) -> NDArray[np.uint8]:
    """In the middle by its centre of mass, moved by whole pixels."""
    top, left = (
        int(np.clip(round(MIDDLE - centre), 0, SIDE - side))
        for centre, side in zip(_centre_of_mass(ink), ink.shape, strict=True)
    )
    picture = np.zeros((SIDE, SIDE), dtype=np.uint8)
    picture[top : top + ink.shape[0], left : left + ink.shape[1]] = (255 * ink).round()
    return picture


def _is_mnist(picture: NDArray[np.uint8]) -> bool:
    """Whether it has what all of MNIST has: size, black paper, a digit as large as the box, and that in the middle."""
    if picture.shape != (SIDE, SIDE) or not picture.any() or np.median(picture) > 0:
        return False
    rows, columns = _extent(picture > 0)
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    return longest in (BOX - 1, BOX) and all(abs(centre - MIDDLE) < 0.53 for centre in _centre_of_mass(picture))


def _extent(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns that the mask reaches."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _centre_of_mass(weights: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[float, float]:
    """Mean row and column."""
    along_rows, along_columns = weights.sum(axis=1, dtype=np.float64), weights.sum(axis=0, dtype=np.float64)
    row, column = (np.average(np.arange(len(along)), weights=along) for along in (along_rows, along_columns))
    return float(row), float(column)
