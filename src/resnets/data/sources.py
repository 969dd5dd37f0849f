"""Data sets by name or path, each in its three parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import numpy as np
import torch

from resnets.data import mnist, statistics
from resnets.data.imageset import ImageSet, Splits
from resnets.data.preprocessing import Preprocessing, Resize
from resnets.data.split import stratified
from resnets.errors import DataError, suggestion

NAMES = ("mnist",)


Progress = Callable[[int, int], None]
"""Told how many files of how many have been read."""


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How a source is read."""

    data: str | None = None
    """Folder that holds the files of a named set, such as fashion-mnist; None: the usual places."""
    size: int | None = None
    """Height and width that photos are brought to; None: 64 for folders, the set's own size otherwise."""
    resize: Resize = "crop"
    """How photos are made square."""
    max_bad: float = 0.0
    """Part of the files that may be unreadable and skipped."""
    seed: int = 0
    """Decides which images the validation part gets."""
    preprocessing: Preprocessing | None = None
    """Of a trained model that is to be measured on this source: overrules size, resize and statistics."""
    class_names: tuple[str, ...] = ()
    """Classes of a trained model that is to be measured on this source: labels are aligned to them by name."""


def load(source: str, options: SourceOptions | None = None, progress: Progress | None = None) -> Splits:
    """The data set of that name, in its three parts.

    Raises:
        DataError: if there is no such set.
    """
    options = options or SourceOptions()
    if source == "mnist":
        return _mnist(options)
    raise DataError(f"There is no data set '{source}'.{suggestion(source, NAMES)} Known: {', '.join(NAMES)}.")


def _mnist(options: SourceOptions) -> Splits:
    images, labels = mnist.read()
    preprocessing = Preprocessing(
        kind="digit", size=28, channels=1, mean=statistics.MNIST.mean, std=statistics.MNIST.std
    )
    whole = ImageSet(
        "mnist",
        torch.from_numpy(images[:, None]),
        torch.from_numpy(labels.astype(np.int64)),
        mnist.CLASS_NAMES,
        preprocessing,
    )
    train, validation = stratified(whole.labels[: mnist.TRAIN], 5_000, options.seed)
    return Splits(whole.subset(train), whole.subset(validation), whole.subset(torch.arange(mnist.TRAIN, len(whole))))
