"""Mean and standard deviation of each channel, pixels from 0 to 1: known ones as constants, others measured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Statistics(NamedTuple):
    """Mean and standard deviation of each channel over all pixels of a training set."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


MNIST = Statistics((0.1307,), (0.3081,))
"""As in PyTorch's MNIST example; the tests recompute it from the 60,000 training images."""
FASHION_MNIST = Statistics((0.2860,), (0.3530,))
"""Recomputed by the tests from the 60,000 training images."""
CIFAR10 = Statistics((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
"""Over all pixels. The much copied std 0.2023, 0.1994, 0.2010 is the mean of each image's own std, another thing."""
CIFAR100 = Statistics((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
"""Over all pixels."""

SMALLEST_STD = 1 / 255
"""A channel that hardly varies is not blown up beyond one grey level."""


def measure(images: Tensor) -> Statistics:
    """Mean and standard deviation of each channel, exact to the four places that are kept.

    Shapes:
        uint8 (N, C, H, W), N of at least 1
    """
    weights = histogram(images)
    weights /= weights.sum(axis=1, keepdims=True)
    levels = np.arange(256) / 255
    means = weights @ levels
    variances = (weights * (levels - means[:, None]) ** 2).sum(axis=1)
    stds = np.maximum(np.sqrt(variances), SMALLEST_STD)
    return Statistics(tuple(means.round(4).tolist()), tuple(stds.round(4).tolist()))


def histogram(images: Tensor) -> NDArray[np.float64]:
    """How often each level from 0 to 255 occurs in each channel.

    Shapes:
        uint8 (N, C, H, W) -> (C, 256)
    """
    counts = np.zeros((images.shape[1], 256))
    for start in range(0, len(images), 1024):  # a part at a time: bincount makes eight bytes of each
        part = images[start : start + 1024].numpy()
        counts += [np.bincount(part[:, channel].ravel(), minlength=256) for channel in range(part.shape[1])]
    return counts
