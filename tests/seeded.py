"""Weights and images that are computed from names alone, so that two libraries can be given the same without a file.

Every number is a member of one table, the output of SplitMix64 at the places 0, 1, 2, ...; a tensor reads it from a
place that the hash of its name says, round and round. The table's length is a prime, so rows do not repeat.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LENGTH = 1_000_003


def seeded_state(shapes: Mapping[str, Iterable[int]]) -> dict[str, Tensor]:
    """A number for every weight, of a size that keeps activations moderate."""
    return {name: _weight(name, tuple(shape)) for name, shape in shapes.items()}


def seeded_images(shape: tuple[int, ...]) -> Tensor:
    """Numbers from -1 to 1.

    Shapes:
        shape, float64
    """
    return torch.from_numpy(_numbers("images", shape))


def fingerprint(shapes: Mapping[str, Iterable[int]]) -> str:
    """SHA-256 of the names and shapes in the order of the alphabet; a norm's count of batches is left out."""
    lines = [f"{name} {tuple(shape)}" for name, shape in sorted(shapes.items()) if not name.endswith("_tracked")]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _weight(name: str, shape: tuple[int, ...]) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    numbers = _numbers(name, shape)
    if len(shape) > 1:
        numbers *= math.sqrt(6 / math.prod(shape[1:]))  # variance 2 / fan in
    elif name.endswith(("bias", "running_mean")):
        numbers *= 0.1
    else:  # scales and variances: from 0.4 to 1.2
        numbers = 0.8 + 0.4 * numbers
    return torch.from_numpy(numbers)


def _numbers(name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % LENGTH
    places = np.arange(start, start + math.prod(shape))
    return np.take(_table(), places, mode="wrap").reshape(shape)


@cache
def _table() -> NDArray[np.float64]:
    """From -1 to 1."""
    words = np.arange(1, LENGTH + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1
