"""Batches of an image set, augmented and normalised: the same for every machine, resumable at any step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from resnets.data import draws
from resnets.data.augment import augment, check, draws_of, surroundings
from resnets.data.imageset import ImageSet
from resnets.data.preprocessing import normalise
from resnets.data.pruning import NOTHING_SEEN, kept, num_kept
from resnets.errors import DataError
from resnets.recipe import Augmentation


class Batch(NamedTuple):
    """What one step sees."""

    images: Tensor
    """float32 (N, C, H, W), channels last in memory, normalised"""
    labels: Tensor
    """int64 (N,)"""
    indices: Tensor
    """int64 (N,), places in the image set"""


class Batches:
    """An image set in batches: for training in an order of (seed, epoch), augmented; for evaluation as it is.

    Training drops a last batch of one image, which batch normalisation cannot use; all others are seen once an epoch,
    unless some are left out on purpose.

    Args:
        augmentation: only for training.
        prune: part of the images that each epoch leaves out; only for training.

    Raises:
        ConfigError: if the augmentation could leave nothing of an image.
        DataError: if there are too few images: none, or one for training.
    """

    def __init__(
        self,
        image_set: ImageSet,
        *,
        batch_size: int,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        prune: float = 0.0,
        training: bool,
    ) -> None:
        least = 2 if training else 1
        if len(image_set) < least:
            purpose = "training" if training else "evaluation"
            raise DataError(f"'{image_set.name}' has {len(image_set)} images; {purpose} needs at least {least}.")
        self.image_set, self.batch_size, self.seed, self.training = image_set, batch_size, seed, training
        self.augmentation = augmentation if training and augmentation is not None else Augmentation()
        self.prune = prune if training else 0.0
        check(self.augmentation, min(image_set.images.shape[2:]))
        self._around = surroundings(image_set.images) if self.augmentation != Augmentation() else None

    def __len__(self) -> int:
        """Steps in an epoch."""
        full, rest = divmod(num_kept(len(self.image_set), self.prune), self.batch_size)
        return full + (rest > 1 if self.training else rest > 0)

    def epoch(self, epoch: int, start_step: int = 0, losses: Tensor = NOTHING_SEEN) -> Iterator[Batch]:
        """The batches of one epoch, from `start_step` on; the `losses` of the images decide which are left out.

        Shapes:
            losses (M,), of the first M images
        """
        key = draws.key(self.seed, epoch)
        count = len(self.image_set)
        order = torch.from_numpy(draws.permutation(key, count)) if self.training else torch.arange(count)
        if self.prune:
            order = order[torch.from_numpy(kept(losses, count, self.prune, self.seed, epoch))[order]]
        for step in range(start_step, len(self)):
            indices = order[step * self.batch_size : (step + 1) * self.batch_size]
            images = self.image_set.images.index_select(0, indices)  # ten times faster than [indices]
            if self._around is not None:
                uniform = draws.uniform(key, indices.numpy(), draws_of(self.augmentation))
                images = torch.from_numpy(augment(images.numpy(), uniform, self.augmentation, self._around))
            labels = self.image_set.labels.index_select(0, indices)
            yield Batch(normalise(images, self.image_set.preprocessing), labels, indices)
