from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from resnets.data import augment as module
from resnets.data.augment import (
    DRAWS,
    ERASE,
    FLIP,
    ROTATE,
    SCALE,
    SHEAR,
    SHIFT,
    augment,
    check,
    erase,
    inverse_matrices,
    shift,
    surroundings,
    transform,
)
from resnets.errors import ConfigError
from resnets.recipe import Augmentation

Bytes = NDArray[np.uint8]

BLACK = np.zeros(3, dtype=np.uint8)
GREY = np.array([10, 20, 30], dtype=np.uint8)


def _images(count: int = 4, channels: int = 3, height: int = 7, width: int = 9) -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (count, channels, height, width), dtype=np.uint8)


def _uniform(count: int, **columns: float) -> NDArray[np.float32]:
    """Numbers in the middle of their range, which change nothing, except for the named columns."""
    uniform = np.full((count, DRAWS), 0.5, dtype=np.float32)
    for name, value in columns.items():
        uniform[:, getattr(module, name)] = value
    return uniform


def _pixel(image: Bytes, row: int, column: int, beyond: Bytes | None) -> NDArray[np.float64]:
    """The pixel at a place that may lie outside, mirrored or in the colour beyond the edge."""
    height, width = image.shape[1:]
    if beyond is not None and not (0 <= row < height and 0 <= column < width):
        return beyond.astype(np.float64)
    row, column = (
        place % (2 * side) if place % (2 * side) < side else 2 * side - 1 - place % (2 * side)
        for place, side in ((row, height), (column, width))
    )
    return image[:, row, column].astype(np.float64)


def _bilinear(image: Bytes, x: float, y: float, beyond: Bytes | None) -> NDArray[np.float64]:
    """Interpolation between four pixels, written out."""
    row, column = math.floor(y), math.floor(x)
    down, right = y - row, x - column
    upper = (1 - right) * _pixel(image, row, column, beyond) + right * _pixel(image, row, column + 1, beyond)
    lower = (1 - right) * _pixel(image, row + 1, column, beyond) + right * _pixel(image, row + 1, column + 1, beyond)
    return (1 - down) * upper + down * lower


def _by_formula(image: Bytes, uniform: NDArray[np.float32], settings: Augmentation, beyond: Bytes | None) -> Bytes:
    """Scale, shear, rotate and shift, pixel by pixel: p is shown at shift + rotation shear scale p."""
    signed = 2 * uniform.astype(np.float64) - 1
    angle = math.radians(settings.rotate) * signed[ROTATE]
    slant = math.tan(math.radians(settings.shear) * signed[SHEAR])
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = rotation @ np.array([[1, slant], [0, 1]]) * (1 + settings.scale * signed[SCALE])
    down, right = settings.shift * signed[SHIFT]
    _, height, width = image.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    result = np.empty_like(image)
    for row in range(height):
        for column in range(width):
            x, y = np.linalg.solve(matrix, np.array([column, row]) - middle - [right, down]) + middle
            result[:, row, column] = np.floor(_bilinear(image, x, y, beyond) + 0.5)
    return result


@pytest.mark.parametrize("beyond", [None, BLACK, GREY], ids=["mirrored", "black", "coloured"])
@pytest.mark.parametrize(
    "settings",
    [
        Augmentation(rotate=30),
        Augmentation(scale=0.3),
        Augmentation(shear=20),
        Augmentation(shift=1.5, rotate=1e-6),
        Augmentation(shift=2, rotate=20, scale=0.2, shear=10),
    ],
    ids=["rotate", "scale", "shear", "shift", "all"],
)
def test_affine_changes_equal_the_formula_pixel_by_pixel(settings: Augmentation, beyond: Bytes | None) -> None:
    images = _images()
    uniform = np.random.default_rng(1).random((len(images), DRAWS), dtype=np.float32)
    changed = transform(images, inverse_matrices(uniform, settings), beyond)
    expected = np.stack([_by_formula(*pair, settings, beyond) for pair in zip(images, uniform, strict=True)])
    difference = np.abs(changed.astype(int) - expected)
    assert difference.max() <= 1  # a place on the border of two levels may be rounded either way
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("beyond", [None, GREY])
def test_no_movement_leaves_every_pixel_alone(beyond: Bytes | None) -> None:
    images = _images()
    settings = Augmentation(shift=2, rotate=30, scale=0.2, shear=10, flip=True)
    uniform = _uniform(len(images))
    np.testing.assert_array_equal(transform(images, inverse_matrices(uniform, settings), beyond), images)


@pytest.mark.parametrize("beyond", [None, GREY], ids=["mirrored", "coloured"])
def test_a_bent_picture_shows_what_lies_where_its_field_points(beyond: Bytes | None) -> None:
    images = _images(2)
    bend = np.random.default_rng(2).uniform(-2, 2, (2, 2, 7, 9)).astype(np.float32)
    bent = transform(images, inverse_matrices(_uniform(2), Augmentation()), beyond, bend)
    for image, result, (right, down) in zip(images, bent, bend, strict=True):
        for row in range(7):
            for column in range(9):
                expected = _bilinear(image, column + right[row, column], row + down[row, column], beyond)
                np.testing.assert_allclose(result[:, row, column], expected, atol=0.51)


def test_a_quarter_turn_turns_clockwise() -> None:
    images = _images(height=7, width=7)
    turned = transform(images, inverse_matrices(_uniform(len(images), ROTATE=1), Augmentation(rotate=90)), BLACK)
    np.testing.assert_array_equal(turned, np.rot90(images, -1, axes=(2, 3)))


@pytest.mark.parametrize("beyond", [None, BLACK, GREY], ids=["mirrored", "black", "coloured"])
def test_shift_moves_by_whole_pixels_down_and_right(beyond: Bytes | None) -> None:
    images = _images()
    offsets = np.array([[2, 0], [0, -3], [-1, 3], [0, 0]])
    moved = shift(images, offsets, 3, beyond)
    for image, result, (down, right) in zip(images, moved, offsets.tolist(), strict=True):
        for row in range(7):
            for column in range(9):
                expected = _pixel(image, row - down, column - right, beyond)
                np.testing.assert_array_equal(result[:, row, column], expected)


def test_shift_reaches_both_ends_equally_often() -> None:
    images = np.zeros((5000, 1, 7, 7), dtype=np.uint8)
    images[:, :, 3, 3] = 255
    uniform = np.random.default_rng(0).random((len(images), DRAWS), dtype=np.float32)
    around = surroundings(torch.from_numpy(images))
    places = augment(images, uniform, Augmentation(shift=2), around).mean(axis=(0, 1)) / 255
    np.testing.assert_allclose(places[1:6, 1:6], 1 / 25, atol=0.01)
    assert places[1:6, 1:6].sum() == pytest.approx(1)


def test_flip_mirrors_left_and_right_for_half_of_the_numbers() -> None:
    images = _images()
    uniform = _uniform(4)
    uniform[:, FLIP] = [0.1, 0.49, 0.5, 0.9]
    changed = augment(images, uniform, Augmentation(flip=True), surroundings(torch.from_numpy(images)))
    np.testing.assert_array_equal(changed[:2], images[:2, :, :, ::-1])
    np.testing.assert_array_equal(changed[2:], images[2:])


def test_erase_blanks_one_square_that_may_lie_partly_outside() -> None:
    images = _images()
    corners = np.array([[1, 2], [-2, -2], [5, 7], [-4, 0]])
    changed = erase(images, corners, 4, GREY)
    for image, result, (top, left) in zip(images, changed, corners.tolist(), strict=True):
        expected = image.copy()
        expected[:, max(top, 0) : max(top + 4, 0), max(left, 0) : max(left + 4, 0)] = GREY[:, None, None]
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("side", [3, 4])
def test_erased_squares_lie_evenly_from_half_outside_to_half_outside(side: int) -> None:
    images = np.full((4000, 1, 8, 8), 200, dtype=np.uint8)
    images[:, :, 1:7, 1:7] = 100
    uniform = np.random.default_rng(0).random((len(images), DRAWS), dtype=np.float32)
    changed = augment(images, uniform, Augmentation(erase=side), surroundings(torch.from_numpy(images)))
    corner_rows = np.arange(-(side // 2), 8 - side + side // 2 + 1)
    blanked = ((changed == 200).all(axis=1) & (images != 200).all(axis=1)).mean(axis=0)
    reached = np.array([np.mean((corner_rows <= row) & (row < corner_rows + side)) for row in range(8)])
    np.testing.assert_allclose(blanked[1:7, 1:7], np.outer(reached, reached)[1:7, 1:7], atol=0.03)


def test_one_change_leaves_the_random_numbers_of_the_others_alone() -> None:
    columns: list[int | slice] = [SHIFT, ROTATE, SCALE, SHEAR, FLIP, ERASE]
    used = [place for column in columns for place in np.arange(DRAWS)[column].reshape(-1).tolist()]
    assert sorted(used) == list(range(DRAWS))


def test_no_augmentation_gives_the_images_back() -> None:
    images = _images()
    changed = augment(images, _uniform(4), Augmentation(), surroundings(torch.from_numpy(images)))
    np.testing.assert_array_equal(changed, images)


def test_surroundings_are_the_colour_of_most_outermost_pixels() -> None:
    images = torch.from_numpy(_images(50))
    images[:, :, 0] = images[:, :, -1] = images[:, :, :, 0] = torch.tensor([1, 2, 3], dtype=torch.uint8)[:, None]
    around = surroundings(images)
    assert around.beyond is not None
    assert around.beyond.tolist() == around.blank.tolist() == [1, 2, 3]


def test_pictures_without_a_common_border_are_mirrored_and_blanked_with_the_mean() -> None:
    images = torch.full((10, 3, 6, 6), 100, dtype=torch.uint8)
    images[:5] = 50
    images[0, 0] = 51
    images[5:, 0] = 101
    around = surroundings(images)
    assert around.beyond is None
    assert around.blank.tolist() == [76, 75, 75]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Augmentation(shift=9), "augmentation.shift must be smaller than the images, which have 8 pixels; got 9"),
        (Augmentation(erase=8), "augmentation.erase must be smaller than the images, which have 8 pixels; got 8"),
    ],
)
def test_changes_that_leave_nothing_are_refused(settings: Augmentation, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(settings, 8)
    check(settings, 10)
