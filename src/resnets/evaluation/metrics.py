"""How good predictions are: pure functions of tensors, with double precision wherever fractions are summed."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

CALIBRATION_BINS = 15
"""Bins of equal width between confidence 0 and 1.      [Guo 2017, section 2; 15 as in its Table 1]"""
NORMAL_95 = 1.959963984540054
"""A normal variable lies within this many standard deviations of its mean with probability 95 %."""


def is_in_top_k(logits: Tensor, labels: Tensor, k: int) -> Tensor:
    """Whether the true class is among the k highest logits; of equal logits the lower class ranks higher, as in argmax.

    Any k from the number of classes on means all classes, and everything is right.

    Shapes:
        logits (N, K), labels int64 (N,) -> bool (N,)
    """
    own = logits.gather(1, labels[:, None])
    classes = torch.arange(logits.shape[1], device=logits.device)
    is_ahead = (logits > own) | ((logits == own) & (classes < labels[:, None]))
    return is_ahead.sum(dim=1) < k


def confusion_matrix(labels: Tensor, predicted: Tensor, num_classes: int) -> Tensor:
    """Number of images of each true class (row) that were given each class (column).

    Shapes:
        labels, predicted int64 (N,) -> int64 (num_classes, num_classes)
    """
    cells = labels * num_classes + predicted
    return torch.bincount(cells, minlength=num_classes**2).view(num_classes, num_classes)


def most_confused(confusion: Tensor, limit: int) -> list[tuple[int, int, int]]:
    """(true class, predicted class, images) of the `limit` commonest mistakes, commonest first; ties by class."""
    mistakes = confusion.clone().fill_diagonal_(0)
    commonest = mistakes.flatten().argsort(descending=True, stable=True)[:limit].tolist()
    pairs = [divmod(cell, confusion.shape[1]) for cell in commonest]
    return [(true, said, int(mistakes[true, said])) for true, said in pairs if mistakes[true, said] > 0]


class ClassScores(NamedTuple):
    """One number per class, float64 (K,); `support`, int64 (K,), counts its images."""

    precision: Tensor
    recall: Tensor
    f1: Tensor
    support: Tensor


def class_scores(confusion: Tensor) -> ClassScores:
    """Precision = TP / (TP + FP), recall = TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN), per class.

    Where the denominator is 0 (a class never predicted, or without images), the score is 0.

    Shapes:
        int64 (K, K), true classes in rows -> each (K,)
    """
    right = confusion.diagonal().double()
    said, support = confusion.sum(dim=0), confusion.sum(dim=1)
    return ClassScores(
        precision=right / said.clamp(min=1),
        recall=right / support.clamp(min=1),
        f1=2 * right / (said + support).clamp(min=1),
        support=support,
    )


def macro_average(score: Tensor, support: Tensor) -> float:
    """The plain mean over the classes that have images: an absent class says nothing about the model."""
    return float(score[support > 0].mean())


class Reliability(NamedTuple):
    """One number per bin of confidence: images, mean confidence, accuracy; the latter two are nan in an empty bin."""

    num_images: Tensor
    confidence: Tensor
    accuracy: Tensor


def reliability(confidence: Tensor, is_right: Tensor, num_bins: int = CALIBRATION_BINS) -> Reliability:
    """Accuracy beside mean confidence of like predictions; bin m of M holds ((m-1)/M, m/M].      [Guo 2017, section 2]

    Shapes:
        confidence (N,) from 0 to 1, is_right bool (N,) -> each (num_bins,)
    """
    inner_edges = torch.arange(1, num_bins, dtype=torch.float64) / num_bins
    places = torch.bucketize(confidence.double(), inner_edges)
    num_images = torch.bincount(places, minlength=num_bins)
    sums = [torch.bincount(places, each.double(), minlength=num_bins) for each in (confidence, is_right)]
    return Reliability(num_images, sums[0] / num_images, sums[1] / num_images)


def expected_calibration_error(table: Reliability) -> float:
    """ECE = sum over bins of count / N * |accuracy - confidence|.      [Guo 2017, eq. 3]"""
    gaps = (table.accuracy - table.confidence).abs().nan_to_num()
    return float((gaps * table.num_images).sum() / table.num_images.sum())


def wilson_interval(right: int, n: int, z: float = NORMAL_95) -> tuple[float, float]:
    """(p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) with p = right / n.      [Wilson 1927]

    The accuracies at which `right` of n is no surprise, 95 % by default; unlike p ± z·s it stays within 0 and 1
    and has a width even at p = 1.
    """
    p, spread = right / n, z * z / n
    centre = p + spread / 2
    half_width = math.sqrt(spread * p * (1 - p) + spread * spread / 4)
    return max(0.0, (centre - half_width) / (1 + spread)), min(1.0, (centre + half_width) / (1 + spread))
