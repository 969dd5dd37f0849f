"""Print how exact Winograd's F(4x4, 3x3) is with different points, in single precision.

    python tools/winograd_points.py

Points 0, a, -a, b, -b and infinity give 4x4 outputs from 6x6 inputs with 36 multiplications. Errors are relative: the
largest to the largest output, the mean (of squares, rooted) to the outputs' mean. Inputs are normal numbers after a
ReLU, weights have variance 2 / (9 channels).      [Winograd 1980; Lavin 2016, section 4]
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CHANNELS, TILES, SEEDS = 64, 200, 5
POINTS = {
    "1, 2": (1, 2),
    "1/2, 1": (0.5, 1),
    "1/2, 3/2": (0.5, 1.5),
    "3/5, 5/3": (3 / 5, 5 / 3),
    "2/3, 3/2": (2 / 3, 3 / 2),
    "1/sqrt 2, sqrt 2": (math.sqrt(0.5), math.sqrt(2)),
}


def transforms(a: float, b: float) -> tuple[Array, Array, Array]:
    """B^T (6x6), G (6x3) and A^T (4x6) of y = A^T [(G g G^T) * (B^T d B)] A."""
    points = np.array([0, a, -a, b, -b])
    others = [np.delete(points, i) for i in range(5)]
    leading = np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])
    b_transposed = np.zeros((6, 6))
    for i, rest in enumerate(others):  # the polynomial that is zero at the other points
        b_transposed[i, :5] = np.poly(rest)[::-1]
    b_transposed[5] = np.poly(points)[::-1]
    g = np.vstack([np.vander(points, 3, increasing=True) / leading[:, None], [0, 0, 1]])
    a_transposed = np.hstack([np.vander(points, 4, increasing=True).T, np.eye(4)[:, 3:]])
    return b_transposed, g, a_transposed


def errors(a: float, b: float, seed: int) -> tuple[float, float]:
    """Largest and mean relative error of a convolution."""
    generator = np.random.default_rng(seed)
    d = np.maximum(generator.standard_normal((TILES, CHANNELS, 6, 6)), 0)
    g = generator.standard_normal((CHANNELS, CHANNELS, 3, 3)) * math.sqrt(2 / (9 * CHANNELS))
    exact = sum(
        np.einsum("tcyx,kc->tkyx", d[:, :, i : i + 4, j : j + 4], g[:, :, i, j]) for i in range(3) for j in range(3)
    )
    left, middle, right = (matrix.astype(np.float32) for matrix in transforms(a, b))
    v = left @ d.astype(np.float32) @ left.T
    u = middle @ g.astype(np.float32) @ middle.T
    m = np.moveaxis(np.moveaxis(v, (2, 3), (0, 1)) @ np.moveaxis(u, (2, 3, 1), (0, 1, 2)), (0, 1), (2, 3))
    off = right @ m @ right.T - exact
    return float(np.abs(off).max() / np.abs(exact).max()), math.sqrt(np.square(off).mean() / np.square(exact).mean())


def main() -> None:
    """The table."""
    print(f"{CHANNELS} channels, {TILES} tiles, means over {SEEDS} seeds\n")
    print("| points 0, +- | largest error | mean error |")
    print("| --- | --- | --- |")
    for name, points in POINTS.items():
        largest, mean = np.mean([errors(*points, seed) for seed in range(SEEDS)], axis=0)
        print(f"| {name} | {largest:.1e} | {mean:.1e} |")


if __name__ == "__main__":
    main()
