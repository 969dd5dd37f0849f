from __future__ import annotations

import numpy as np
import pytest
import torch

from resnets.data.split import shares, stratified
from resnets.errors import DataError


def _labels(*sizes: int) -> torch.Tensor:
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]


def test_parts_cover_the_set_without_overlap() -> None:
    rest, carved = stratified(_labels(50, 30, 20), 10, seed=0)
    assert sorted(rest.tolist() + carved.tolist()) == list(range(100))
    assert rest.tolist() == sorted(rest.tolist())
    assert carved.tolist() == sorted(carved.tolist())


def test_every_class_gives_its_share() -> None:
    labels = _labels(500, 300, 200)
    _, carved = stratified(labels, 100, seed=3)
    assert labels[carved].bincount().tolist() == [50, 30, 20]


@pytest.mark.parametrize(
    ("sizes", "count", "expected"),
    [
        ((10, 10, 10), 10, [4, 3, 3]),  # 3.33 each: equal remainders, the first class wins
        ((41, 41, 18), 10, [4, 4, 2]),  # 4.1, 4.1, 1.8: the third has the largest remainder
        ((53, 24, 23), 10, [5, 3, 2]),  # 5.3, 2.4, 2.3
        ((7, 0, 3), 5, [4, 0, 1]),  # 3.5, 0, 1.5: equal remainders
        ((5, 5), 0, [0, 0]),
    ],
)
def test_shares_follow_the_largest_remainder(sizes: tuple[int, ...], count: int, expected: list[int]) -> None:
    assert shares(np.array(sizes), count).tolist() == expected


def test_split_depends_on_the_seed_alone() -> None:
    labels = _labels(60, 40)
    torch.manual_seed(1)
    _, first = stratified(labels, 20, seed=5)
    torch.manual_seed(2)
    _, second = stratified(labels, 20, seed=5)
    _, other = stratified(labels, 20, seed=6)
    assert first.tolist() == second.tolist()
    assert first.tolist() != other.tolist()


def test_split_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    stratified(_labels(6, 4), 2, seed=5)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_class_of_one_image_keeps_it() -> None:
    labels = torch.tensor([0, 1, 2, 2, 2, 2])
    _, carved = stratified(labels, 2, seed=0)
    assert labels[carved].tolist() == [2, 2]


@pytest.mark.parametrize("count", [-1, 4, 100])
def test_too_large_a_part_is_refused(count: int) -> None:
    with pytest.raises(DataError, match=f"Cannot carve {count} images from a set of 4; add images of each class"):
        stratified(torch.tensor([0, 0, 1, 1]), count, seed=0)
