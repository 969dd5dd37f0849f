"""Random numbers that are computed, not consumed: the same key gives the same numbers, whatever was drawn before.

So the order of an epoch depends on (seed, epoch) and the augmentation of a sample on (seed, epoch, sample) alone,
never on batch size or neighbours. They are the same on every machine and with every version of the libraries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: the step of SplitMix64's counter.     [Steele 2014]"""
ALL_BITS = 0xFFFFFFFFFFFFFFFF


def key(seed: int, epoch: int) -> Words:
    """One word for each (seed, epoch).

    Shapes:
        (1,)
    """
    return _mix(_mix(np.array([seed & ALL_BITS], dtype=np.uint64)) + np.uint64(epoch & ALL_BITS))


def uniform(epoch_key: Words, samples: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """`count` numbers from 0 up to, not including, 1 for each sample.

    Shapes:
        samples (N,) -> (N, count)
    """
    keys = _mix(epoch_key ^ _mix(samples.astype(np.uint64)))
    words = _mix(keys[:, None] + np.arange(count, dtype=np.uint64) * GOLDEN)
    return (words >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)  # float32 holds 24 bits exactly


def permutation(epoch_key: Words, count: int) -> NDArray[np.int64]:
    """The numbers from 0 to count - 1 in random order: sorted by a random word each.

    Shapes:
        (count,)
    """
    return np.argsort(_mix(epoch_key + np.arange(count, dtype=np.uint64) * GOLDEN), kind="stable")


def _mix(words: Words) -> Words:
    """SplitMix64's step and output function: each bit of the input changes about half the bits of the output."""
    words = words + GOLDEN
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
