"""Which images an epoch leaves out: some of those that the network has learned already."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnets.data import draws

EASY = 0.8
"""Part of the images, those with the lowest losses, of which some may be left out; the others never are."""
FIRST_DRAW = -2
"""Stands where training has its first epoch, the next ones below it: apart from the draws of epochs and the split."""


def num_kept(count: int, prune: float) -> int:
    """Images of an epoch: the same number in each, known beforehand; at least the two that training needs."""
    return min(count, max(2, count - round(prune * count)))


def kept(losses: Tensor, count: int, prune: float, seed: int, epoch: int) -> NDArray[np.bool_]:
    """Whether each image belongs to an epoch: all hard ones, and as many easy ones, drawn at random, as there is room.

    Soft pruning as in InfoBatch, but with fixed numbers of easy images and of those left out, and without its larger
    weights for the easy ones that stay: the hard ones are meant to be seen more often.      [Qin 2024]
    Images that have not been seen are hard. Among equals chance decides, so without losses it draws from all.

    Shapes:
        losses (M,), of the first M <= count images; the others have not been seen -> (count,)
    """
    lucky = draws.permutation(draws.key(seed, FIRST_DRAW - epoch), count)
    known = np.full(count, np.inf, dtype=np.float32)
    known[: len(losses)] = losses.numpy()
    easy = np.zeros(count, dtype=bool)
    easy[lucky[np.argsort(known[lucky], kind="stable")[: round(EASY * count)]]] = True
    stays = np.ones(count, dtype=bool)
    stays[lucky[easy[lucky]][: count - num_kept(count, prune)]] = False
    return stays


NOTHING_SEEN = torch.empty(0)
"""The losses before the first epoch."""
