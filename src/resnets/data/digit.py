"""A photo or drawing of one digit, made to look as MNIST was made.

MNIST's digits are light ink on black, scaled to fit 20 x 20 pixels with their shape kept, antialiased, and placed in 28 x 28
so that their centre of mass lies in the middle.      [LeCun 1998, section III-A]
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from resnets.errors import ImageError

Floats = NDArray[np.float32]

SIDE, BOX = 28, 20
MIDDLE = 14
"""Row and column of the centre of mass; in MNIST's own images it lies from 13.5 to 14.5."""
WORKING_SIDE = 400
"""Larger pictures are first made smaller: 20 times the resolution of the result is enough."""
FAINTEST = 12
"""Least difference of ink and paper, of 255 levels."""
SPECK = 0.1
"""Separate marks with less ink than this part of the largest one are dirt."""


def fit_digit(image: Image.Image) -> Tensor:
    """The digit as in MNIST, whatever its size, place, colour, background and lighting.

    What already looks so comes back unchanged.

    Shapes:
        any size, mode L or RGB -> uint8 (1, 28, 28)

    Raises:
        ImageError: if there is nothing but background.
    """
    grey = np.asarray(image.convert("L"))
    if not _is_ready(grey):
        grey = _centred(_scaled(_cleaned(find_ink(image))))
    return torch.from_numpy(grey[None].copy())


def find_ink(image: Image.Image) -> Floats:
    """How much each pixel differs from the paper, in the direction in which ink does, 0 to 255.

    Ink may be darker or lighter than the paper or of another colour; the few pixels that differ most tell.

    Shapes:
        -> (H, W), the longer side at most `WORKING_SIDE`
    """
    image = image.convert("RGB")
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    colours = np.asarray(image, dtype=np.float32)
    difference = colours - paper(colours)
    strength = (difference**2).sum(axis=2, keepdims=True)
    direction = (strength * difference).sum(axis=(0, 1))
    return np.maximum(difference @ direction / max(np.abs(direction).sum(), 1e-6), 0).astype(np.float32)


def paper(colours: Floats) -> Floats:
    """The background with its shadows: a smooth surface through the pixels near it, found from the border inwards.

    Shapes:
        (H, W, 3) -> (H, W, 3)
    """
    height, width = colours.shape[:2]
    step = max(1, max(height, width) // 64)  # a smooth surface needs few points
    levels = colours[::step, ::step].reshape(-1, 3)
    terms, is_border = _surface_terms(height, width, step)
    surface = np.median(levels[is_border], axis=0)
    for degree in (3, 3, 6, 6, 6):  # a plane first: its corners cannot run away
        distance = np.abs(levels - surface).max(axis=1)
        near = distance <= max(3 * float(np.median(distance[is_border])), FAINTEST)
        weights = np.linalg.lstsq(terms[near, :degree], levels[near], rcond=None)[0]
        surface = terms[:, :degree] @ weights
    return (_surface_terms(height, width, 1)[0] @ weights).reshape(colours.shape)


def _surface_terms(height: int, width: int, step: int) -> tuple[Floats, NDArray[np.bool_]]:
    """1, x, y, x^2, xy, y^2 for every `step`th pixel, and which of these lie at the border."""
    y, x = np.meshgrid(
        np.linspace(-1, 1, height, dtype=np.float32)[::step],
        np.linspace(-1, 1, width, dtype=np.float32)[::step],
        indexing="ij",
    )
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    return terms, np.maximum(np.abs(x), np.abs(y)).ravel() > 0.85


def _cleaned(ink: Floats) -> Floats:
    """Ink alone, from 0 (paper) to 1 (full ink), without noise, the rest of shadows, and specks.

    Raises:
        ImageError: if there is none.
    """
    peak = float(ink.max())
    threshold = max(_otsu(ink), peak / 4, FAINTEST)
    strong = ink > threshold
    if not strong.any():
        raise ImageError("No digit was found: the picture is blank.")
    marks = _without_specks(strong, ink)
    around = ink[~marks]
    floor = min(float(np.percentile(around, 99)), threshold) if around.size else 0.0
    full = max(float(np.percentile(ink[strong & marks], 75)), floor + 1)
    return np.where(marks, ((ink - floor) / (full - floor)).clip(0, 1), 0).astype(np.float32)


def _otsu(ink: Floats) -> float:
    """The level that parts the pixels into two groups whose means differ most.     [Otsu 1979, eq. 18]"""
    counts, edges = np.histogram(ink, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    sums = np.cumsum(counts * centres)
    above = below[-1] - below
    inner = slice(0, -1)
    gap = sums[inner] / below[inner] - (sums[-1] - sums[inner]) / np.maximum(above[inner], 1)
    return float(edges[1:][inner][np.argmax(below[inner] * above[inner] * gap**2)])


def _without_specks(strong: NDArray[np.bool_], ink: Floats) -> NDArray[np.bool_]:
    """Where the marks are that hold enough ink, with a margin for their soft edges; worked out in blocks of pixels."""
    height, width = strong.shape
    block = max(1, max(height, width) // 100)
    rows, columns = -(-height // block), -(-width // block)
    padding = ((0, rows * block - height), (0, columns * block - width))
    blocks = np.pad(strong, padding).reshape(rows, block, columns, block).any(axis=(1, 3))
    amounts = np.pad(np.where(strong, ink, 0), padding).reshape(rows, block, columns, block).sum(axis=(1, 3))
    labels = _labels(blocks)
    totals = np.bincount(labels.ravel(), weights=amounts.ravel())
    kept = blocks & (totals >= SPECK * totals.max())[labels]
    margin = _largest_of_nine(kept)
    return np.kron(margin, np.ones((block, block), dtype=bool))[:height, :width]


def _labels(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """One number for each connected mark: the largest of its places, handed on from neighbour to neighbour."""
    labels = np.where(marks, np.arange(1, marks.size + 1).reshape(marks.shape), 0)
    while True:
        spread = np.where(marks, _largest_of_nine(labels), 0)
        if np.array_equal(spread, labels):
            return labels
        labels = spread


def _largest_of_nine(values: NDArray[np.generic]) -> NDArray[np.generic]:
    for axis in (0, 1):
        padded = np.pad(values, [(1, 1) if axis == other else (0, 0) for other in (0, 1)])
        n = values.shape[axis]
        values = np.maximum.reduce([padded.take(range(start, start + n), axis=axis) for start in range(3)])
    return values


def _scaled(ink: Floats) -> Floats:
    """Cut out and scaled to fit the box, the longer side filling it."""
    rows, columns = (np.flatnonzero((ink > 0.1).any(axis=axis)) for axis in (1, 0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = cut.shape
    longest = max(height, width)
    size = (max(round(BOX * width / longest), 1), max(round(BOX * height / longest), 1))
    small = np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.BOX))
    return small / max(float(small.max()), 1e-6)


def _centred(ink: Floats) -> NDArray[np.uint8]:
    """In the middle of the picture by its centre of mass, moved by whole pixels."""
    corner = [
        int(np.clip(round(MIDDLE - centre), 0, SIDE - side))
        for centre, side in zip(_centre(ink), ink.shape, strict=True)
    ]
    picture = np.zeros((SIDE, SIDE), dtype=np.uint8)
    picture[corner[0] : corner[0] + ink.shape[0], corner[1] : corner[1] + ink.shape[1]] = (255 * ink).round()
    return picture


def _centre(ink: NDArray[np.generic]) -> tuple[float, float]:
    weights = ink.astype(np.float64)
    total = max(weights.sum(), 1e-9)
    row, column = (float(weights.sum(axis=1 - axis) @ np.arange(ink.shape[axis]) / total) for axis in (0, 1))
    return row, column


def _is_ready(grey: NDArray[np.uint8]) -> bool:
    """Whether a picture has what all of MNIST has: its size, black paper, a digit of the box's size in the middle."""
    if grey.shape != (SIDE, SIDE) or np.median(grey) != 0 or not grey.any():
        return False
    rows, columns = (np.flatnonzero(grey.any(axis=axis)) for axis in (1, 0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return bool(longest in (BOX - 1, BOX) and all(abs(place - MIDDLE) < 0.53 for place in _centre(grey)))
