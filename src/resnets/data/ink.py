"""Where the ink is in a photo or drawing: of any colour, on paper of any other, with shadows, noise and specks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnets.errors import ImageError

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORKING_SIDE = 400
"""Larger pictures are first made smaller, to 20 times the resolution that MNIST has."""
FAINTEST = 12
"""Least difference between ink and paper, of 255 levels."""
SPECK = 0.1
"""A separate mark with less ink than this part of the largest one is dirt."""
BLOCKS = 64
"""Marks are told apart on a grid of so many blocks, so that a stroke with small gaps is one mark."""


def find_ink(image: Image.Image) -> Floats:
    """How much ink each pixel has, from 0 (paper) to 1; noise, shadows and specks have none.

    Shapes:
        -> (H, W), the longer side at most `WORKING_SIDE`

    Raises:
        ImageError: if there is nothing but paper.
    """
    image = image.convert("RGB")
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    colours = np.asarray(image, dtype=np.float32)
    darkness = _along_ink(colours - paper(colours))
    darkest = float(darkness.max())
    if darkest < FAINTEST:
        raise ImageError("No digit was found: the picture is blank.")
    threshold = max(_otsu(darkness), darkest / 4)
    strong = darkness > threshold
    marks = _without_specks(strong, darkness)
    beside = darkness[~marks]
    floor = min(float(np.percentile(beside, 99)), threshold) if beside.size else 0.0
    full = max(float(np.percentile(darkness[strong & marks], 75)), floor + 1)
    return np.where(marks, ((darkness - floor) / (full - floor)).clip(0, 1), 0).astype(np.float32)


def paper(colours: Floats) -> Floats:
    """The background with its shadows: a smooth surface through the pixels near it, found from the border inwards.

    Shapes:
        (H, W, 3) -> (H, W, 3)
    """
    height, width = colours.shape[:2]
    step = max(1, max(height, width) // 64)  # few points make a smooth surface
    levels = colours[::step, ::step].reshape(-1, 3)
    terms = _surface_terms(height, width, step)
    is_border = np.abs(terms[:, 1:3]).max(axis=1) > 0.85
    surface = np.median(levels[is_border], axis=0)
    for degree in (3, 3, 6, 6, 6):  # a plane first: its corners cannot run away
        distance = np.abs(levels - surface).max(axis=1)
        near = distance <= max(3 * float(np.median(distance[is_border])), FAINTEST)
        weights = np.linalg.lstsq(terms[near, :degree], levels[near], rcond=None)[0]
        surface = terms[:, :degree] @ weights
    whole: Floats = (_surface_terms(height, width, 1) @ weights).reshape(colours.shape)
    return whole


def _surface_terms(height: int, width: int, step: int) -> Floats:
    """1, x, y, x^2, xy, y^2 of every `step`th pixel in both directions; x and y are from -1 to 1."""
    sides = (np.linspace(-1, 1, side, dtype=np.float32)[::step] for side in (height, width))
    y, x = np.meshgrid(*sides, indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)


def _along_ink(difference: Floats) -> Floats:
    """How far each pixel differs from the paper in the direction of the ink, darker or lighter or another colour.

    The direction is d = sum |x|^2 x over all differences x, which the few pixels that differ most decide.

    Shapes:
        (H, W, 3) -> (H, W)
    """
    direction = ((difference**2).sum(axis=2, keepdims=True) * difference).sum(axis=(0, 1))
    along: Floats = difference @ (direction / max(float(np.abs(direction).sum()), 1e-6))
    return np.maximum(along, 0)


def _otsu(levels: Floats) -> float:
    """The level that parts the pixels into two groups whose means lie furthest apart.     [Otsu 1979, eq. 18]"""
    counts, edges = np.histogram(levels, bins=256)
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    above = levels.size - below
    gap = sums[:-1] / below - (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1:-1][np.argmax(below * above * gap**2)])


def _without_specks(strong: Mask, darkness: Floats) -> Mask:
    """Where the marks with enough ink are, with a margin of a block for their soft edges."""
    height, width = strong.shape
    block = -(-max(height, width) // BLOCKS)
    rows, columns = -(-height // block), -(-width // block)
    padded = np.pad(np.where(strong, darkness, 0), ((0, rows * block - height), (0, columns * block - width)))
    amounts = padded.reshape(rows, block, columns, block).sum(axis=(1, 3))
    labels = _labels(amounts > 0)
    totals = np.bincount(labels.ravel(), weights=amounts.ravel())
    kept = (totals >= SPECK * totals.max())[labels] & (labels > 0)
    margin = _largest_of_nine(kept.astype(np.int64)) > 0
    return np.repeat(np.repeat(margin, block, axis=0), block, axis=1)[:height, :width]


def _labels(marks: Mask) -> NDArray[np.int64]:
    """One number for each connected mark: the largest of its places, handed on from neighbour to neighbour."""
    labels = np.where(marks, np.arange(1, marks.size + 1).reshape(marks.shape), 0)
    while True:
        spread = np.where(marks, _largest_of_nine(labels), 0)
        if np.array_equal(spread, labels):
            return labels
        labels = spread


def _largest_of_nine(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest number in each 3x3 neighbourhood."""
    padded = np.pad(numbers, 1)
    across = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    return np.maximum(np.maximum(across[:-2], across[1:-1]), across[2:])
