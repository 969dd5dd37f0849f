from __future__ import annotations

import numpy as np
import pytest

from resnets.data.elastic import DRAWS, POINTS, displacements, splines


@pytest.mark.parametrize("side", [1, 7, 28, 225])
def test_the_weights_of_a_pixel_sum_to_one(side: int) -> None:
    np.testing.assert_allclose(splines(side).sum(axis=1), 1, atol=1e-12)


def test_the_weights_are_a_box_smoothed_by_itself_three_times() -> None:
    box = np.full(700, 1 / 700)
    bump = np.convolve(np.convolve(box, box), np.convolve(box, box))
    middle = splines(2800)[:, POINTS // 2]  # 700 pixels between knots
    np.testing.assert_allclose(middle[1:-2], 700 * bump, atol=2e-3)


def test_they_are_as_wide_as_a_gaussian_of_four_pixels_on_a_digit() -> None:
    weights = splines(2800)[:, POINTS // 2]
    places = (np.arange(2800) + 0.5) / 100 - 14
    assert np.sqrt((weights * places**2).sum() / weights.sum()) == pytest.approx(7 / np.sqrt(3), rel=1e-3)


def test_equal_displacements_move_all_pixels_alike() -> None:
    uniform = np.full((3, DRAWS), 0.75, dtype=np.float32)
    np.testing.assert_allclose(displacements(uniform, 4, 28, 20), np.full((3, 2, 28, 20), 2.0), rtol=1e-6)


def test_a_pixel_moves_about_a_quarter_of_the_largest_displacement() -> None:
    uniform = np.random.default_rng(0).random((500, DRAWS), dtype=np.float32)
    assert displacements(uniform, 4, 28, 28).std() == pytest.approx(4 / 4, rel=0.15)


def test_an_image_is_bent_as_its_own_numbers_say() -> None:
    uniform = np.random.default_rng(0).random((9, DRAWS), dtype=np.float32)
    together = displacements(uniform, 4, 28, 28)
    for i in range(9):
        np.testing.assert_array_equal(displacements(uniform[i : i + 1], 4, 28, 28)[0], together[i])
