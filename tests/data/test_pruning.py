from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from resnets.data import draws
from resnets.data.pruning import EASY, NOTHING_SEEN, kept, num_kept


@pytest.mark.parametrize("count", [2, 3, 7, 100, 55_000])
@pytest.mark.parametrize("prune", [0, 0.1, 0.5, 0.75])
@pytest.mark.parametrize("seen", [0, 0.3, 1])
def test_every_epoch_keeps_the_same_number(count: int, prune: float, seen: float) -> None:
    losses = torch.rand(round(seen * count), generator=torch.Generator().manual_seed(0))
    for epoch in range(3):
        assert kept(losses, count, prune, 0, epoch).sum() == num_kept(count, prune)
    assert num_kept(count, prune) == max(2, count - round(prune * count))


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_slow_loop_that_strikes_out_easy_images_in_a_drawn_order(seed: int) -> None:
    count, prune, epoch = 50, 0.6, 3
    chance = random.Random(seed)
    losses = [chance.choice([0.1, 0.2, 0.3, float("inf")]) for _ in range(count)]
    drawn = draws.permutation(draws.key(seed, -2 - epoch), count).tolist()
    easy = sorted(range(count), key=lambda image: (losses[image], drawn.index(image)))[: int(EASY * count)]
    left_out = [image for image in drawn if image in easy][:30]
    expected = [image not in left_out for image in range(count)]
    assert kept(torch.tensor(losses), count, prune, seed, epoch).tolist() == expected


def test_hard_images_always_stay_and_each_easy_one_as_often_as_another() -> None:
    losses = torch.arange(200.0)
    stays = np.mean([kept(losses, 200, 0.6, 0, epoch) for epoch in range(400)], axis=0)
    assert (stays[160:] == 1).all()
    assert stays[:160].mean() == pytest.approx(0.25)
    assert np.abs(stays[:160] - 0.25).max() < 5 * (0.25 * 0.75 / 400) ** 0.5


def test_what_was_not_seen_is_hard() -> None:
    losses = torch.full((100,), torch.inf)
    losses[:90] = 3.0
    assert kept(losses, 100, 0.75, 0, 1)[90:].all()
    assert np.array_equal(kept(losses, 100, 0.75, 0, 1), kept(losses[:90], 100, 0.75, 0, 1))


@pytest.mark.parametrize("losses", [NOTHING_SEEN, torch.ones(200)])
def test_without_losses_and_among_equal_ones_all_are_as_likely(losses: torch.Tensor) -> None:
    stays = np.mean([kept(losses, 200, 0.5, 0, epoch) for epoch in range(400)], axis=0)
    assert np.abs(stays - 0.5).max() < 5 * 0.5 / 400**0.5


def test_seeds_and_epochs_draw_for_themselves() -> None:
    drawn = {tuple(kept(NOTHING_SEEN, 64, 0.5, seed, epoch).tolist()) for seed in (0, 1) for epoch in (0, 1)}
    assert len(drawn) == 4
