from __future__ import annotations

import math

import pytest

from resnets.recipe import Recipe
from resnets.training.schedule import learning_rate


def rates(recipe: Recipe, points: int = 100) -> list[float]:
    return [learning_rate(recipe, point / points) for point in range(points)]


def test_one_cycle_rises_from_a_tenth_to_the_largest_rate_and_falls_to_zero() -> None:
    recipe = Recipe(schedule="one_cycle", learning_rate=0.4, warmup=0.25)
    assert learning_rate(recipe, 0) == pytest.approx(0.04)
    assert learning_rate(recipe, 0.25) == pytest.approx(0.4)
    assert learning_rate(recipe, 0.625) == pytest.approx(0.2)
    assert learning_rate(recipe, 1) == pytest.approx(0)
    assert max(rates(recipe)) == pytest.approx(0.4)


def test_cosine_without_warmup_is_half_a_cosine() -> None:
    recipe = Recipe(schedule="cosine", learning_rate=1.0, warmup=0)
    expected = [(1 + math.cos(math.pi * point / 100)) / 2 for point in range(100)]
    assert rates(recipe) == pytest.approx(expected)


def test_multi_step_divides_by_ten_at_each_milestone_as_the_paper_does_at_32k_and_48k_of_64k() -> None:
    recipe = Recipe(schedule="multi_step", learning_rate=0.1, warmup=0, milestones=(0.5, 0.75))
    at = {32_000 - 1: 0.1, 32_000: 0.01, 48_000 - 1: 0.01, 48_000: 0.001, 63_999: 0.001}
    for step, expected in at.items():
        assert learning_rate(recipe, step / 64_000) == pytest.approx(expected)


def test_constant_rises_once_and_stays() -> None:
    recipe = Recipe(schedule="constant", learning_rate=0.5, warmup=0.1)
    assert learning_rate(recipe, 0.05) == pytest.approx(0.5 * 0.55)
    assert {learning_rate(recipe, part / 10) for part in range(1, 10)} == {0.5}


def test_a_warmup_that_lasts_the_whole_training_only_rises() -> None:
    series = rates(Recipe(schedule="one_cycle", warmup=1.0))
    assert series == sorted(series)
