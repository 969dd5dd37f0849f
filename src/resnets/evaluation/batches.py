"""What evaluation asks of the data that it is handed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from torch import Tensor


class Batch(Protocol):
    """Some images, ready for the model.

    Shapes:
        images float32 (N, C, H, W), labels int64 (N,), indices int64 (N,)
    """

    @property
    def images(self) -> Tensor:
        """Normalised images."""

    @property
    def labels(self) -> Tensor:
        """True class of each image, from 0."""

    @property
    def indices(self) -> Tensor:
        """Place of each image in its data set, from 0."""


class Batches(Protocol):
    """A data set as batches; evaluation reads epoch 0, in which each image comes once."""

    def epoch(self, epoch: int, /) -> Iterable[Batch]:
        """The batches of one pass over the data."""
