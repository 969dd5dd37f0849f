"""Elastic distortion: pictures bent by a smooth random field of displacements, as hands differ.

[Simard 2003, section 2] draws a displacement for each pixel and blurs the field with a Gaussian of 4 pixels. Here few
displacements are drawn and weighed by cubic B-splines: with knots 7 pixels apart, a quarter of a digit's side, the
field is as smooth (standard deviation of the weights: 7 / sqrt(3) = 4.04 pixels) and costs two small products.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

INTERVALS = 4
"""Between knots, along a side."""
POINTS = INTERVALS + 3
"""Displacements that are drawn along a side: each place is under four of them, the first and the last one outside."""
DRAWS = 2 * POINTS**2
"""Random numbers per image."""


def displacements(uniform: NDArray[np.float32], most: float, height: int, width: int) -> NDArray[np.float32]:
    """d(y, x) = sum_ij b_i(y) b_j(x) d_ij, where each d_ij is from -most to most pixels, to the right and down.

    Shapes:
        uniform (N, DRAWS), from 0 to 1 -> (N, 2, height, width)
    """
    drawn = most * (2 * uniform.astype(np.float64) - 1).reshape(-1, 2, POINTS, POINTS)
    smooth = splines(height) @ (drawn @ splines(width).T)
    return smooth.astype(np.float32)  # rounded once, at the end: the same in a batch of any size


def splines(side: int) -> NDArray[np.float64]:
    """The weights of the displacements at the middle of each pixel; those of a pixel sum to 1.

    Shapes:
        (side, POINTS)
    """
    places = (np.arange(side) + 0.5) / side * INTERVALS + 1  # the first displacement lies one interval outside
    distance = np.abs(places[:, None] - np.arange(POINTS))
    near, far = 2 / 3 - distance**2 + distance**3 / 2, (2 - distance) ** 3 / 6
    weights: NDArray[np.float64] = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return weights
