from __future__ import annotations

import numpy as np
import pytest

from resnets.data import draws

MASK = 2**64 - 1


def _splitmix64(state: int) -> int:
    """One output of the published generator, in Python's own integers."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def _uniform(seed: int, epoch: int, sample: int, draw: int) -> float:
    key = _splitmix64((_splitmix64(seed & MASK) + (epoch & MASK)) & MASK)
    sample_key = _splitmix64(key ^ _splitmix64(sample))
    return (_splitmix64((sample_key + draw * 0x9E3779B97F4A7C15) & MASK) >> 40) / 2**24


def test_splitmix64_gives_its_published_first_number() -> None:
    assert _splitmix64(0) == 0xE220A8397B1DCDAF  # first output for seed 0, as in the reference implementation


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (7, 3), (-1, -1), (2**40, 10_000)])
def test_uniform_equals_the_formula_in_plain_integers(seed: int, epoch: int) -> None:
    numbers = draws.uniform(draws.key(seed, epoch), np.array([0, 5, 59_999]), 3)
    expected = [[_uniform(seed, epoch, sample, draw) for draw in range(3)] for sample in (0, 5, 59_999)]
    np.testing.assert_array_equal(numbers, np.array(expected, dtype=np.float32))


def test_uniform_is_flat_and_uncorrelated() -> None:
    numbers = draws.uniform(draws.key(0, 0), np.arange(50_000), 4)
    assert 0 <= numbers.min() < 1e-3
    assert 1 - 1e-3 < numbers.max() < 1
    np.testing.assert_allclose(numbers.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(numbers.var(axis=0), 1 / 12, atol=0.002)
    np.testing.assert_allclose(np.corrcoef(numbers.T), np.eye(4), atol=0.02)
    assert abs(np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]) < 0.02


def test_each_seed_epoch_and_sample_has_its_own_numbers() -> None:
    rows = [draws.uniform(draws.key(seed, epoch), np.arange(5), 2) for seed in range(3) for epoch in range(3)]
    assert len(np.unique(np.concatenate(rows), axis=0)) == 45


def test_permutation_holds_every_number_once_in_another_order_each_epoch() -> None:
    first, second = (draws.permutation(draws.key(0, epoch), 1000) for epoch in (0, 1))
    np.testing.assert_array_equal(np.sort(first), np.arange(1000))
    assert (first != second).mean() > 0.9
    np.testing.assert_array_equal(first, draws.permutation(draws.key(0, 0), 1000))


def test_permutation_of_nothing_is_empty() -> None:
    assert len(draws.permutation(draws.key(0, 0), 0)) == 0
