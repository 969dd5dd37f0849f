from __future__ import annotations

import numpy as np
import pytest

from resnets.data.packing import pack, unpack


def _strokes(count: int, height: int, width: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, height, width), dtype=np.uint8)
    images[random.random(images.shape) < 0.7] = 0
    return images


@pytest.mark.parametrize(("count", "height", "width"), [(1, 28, 28), (7, 28, 28), (3, 5, 16), (4, 9, 13), (2, 2, 1)])
def test_unpacking_gives_back_every_pixel(count: int, height: int, width: int) -> None:
    images = _strokes(count, height, width, seed=count)
    unpacked = np.zeros_like(images)
    unpack(*pack(images), unpacked)
    np.testing.assert_array_equal(unpacked, images)


@pytest.mark.parametrize("level", [0, 255])
def test_flat_pictures_come_back(level: int) -> None:
    images = np.full((2, 28, 28), level, dtype=np.uint8)
    unpacked = np.zeros_like(images)
    unpack(*pack(images), unpacked)
    np.testing.assert_array_equal(unpacked, images)
