"""Carving a validation part from a training set: every class gives its share, chosen by the seed alone."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnets.data import draws
from resnets.errors import DataError

SPLIT = -1
"""Stands where training has its epoch, so that the split and the first epoch are drawn independently."""


def stratified(labels: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of what stays and of the `count` images that are carved off, both in rising order.

    Each class gives its share of `count`, rounded by the largest remainder, so that the shares add up exactly. A class
    of a single image keeps it.

    Shapes:
        labels int64 (N,) -> int64 (N - count,), int64 (count,)

    Raises:
        DataError: if the set is too small.
    """
    classes = labels.numpy()
    sizes = np.bincount(classes)
    sizes[sizes == 1] = 0
    if not 0 <= count < sizes.sum():
        raise DataError(f"Cannot carve {count:,} images from a set of {len(labels):,}; add images of each class.")
    quotas = shares(sizes, count)
    carved = np.zeros(len(classes), dtype=bool)
    order = draws.permutation(draws.key(seed, SPLIT), len(classes))
    for label, quota in enumerate(quotas):
        carved[order[classes[order] == label][:quota]] = True
    return torch.from_numpy(np.flatnonzero(~carved)), torch.from_numpy(np.flatnonzero(carved))


def shares(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """`count` divided in proportion to `sizes`: rounded down, then one more for the largest remainders.

    Shapes:
        (K,) -> (K,)
    """
    total = max(int(sizes.sum()), 1)
    quotas, remainders = np.divmod(sizes * count, total)
    largest = np.argsort(-remainders, kind="stable")[: count - int(quotas.sum())]
    quotas[largest] += 1
    return quotas
