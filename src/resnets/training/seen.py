"""What the training remembers of each image: the loss that it had when it was last seen."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from resnets.recipe import Recipe

LAST_PART = 0.125
"""Part of the training, at its end, whose epochs are drawn from all images alike.      [Qin 2024]"""


class SeenLosses:
    """The losses by which images are left out; of no image where the recipe leaves none out.

    An epoch goes by what was known when it began, so that it can be gone on with from any of its steps.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._before = self._latest = torch.empty(0)

    def of_epoch(self, progress: float) -> Tensor:
        """What an epoch that begins at `progress`, the part of the training that is done, goes by.

        Shapes:
            (M,): of the first M images; infinite where one has not been seen
        """
        return self._before if progress < 1 - LAST_PART else torch.empty(0)

    @torch.no_grad()
    def note(self, logits: Tensor, labels: Tensor, indices: Tensor) -> None:
        """Take in a batch.

        Shapes:
            logits (N, num_classes), labels (N,), indices (N,)
        """
        if not self.recipe.prune:
            return
        missing = max(0, int(indices.max()) + 1 - len(self._latest))
        self._latest = functional.pad(self._latest, (0, missing), value=torch.inf)
        losses = functional.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing, reduction="none")
        self._latest[indices] = losses.to(self._latest)

    def end_epoch(self) -> None:
        """The next epoch goes by all that is known."""
        self._before = self._latest.clone()

    def tensors(self) -> dict[str, Tensor]:
        """All that is remembered, by name."""
        return {"before": self._before, "latest": self._latest}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave."""
        self._before, self._latest = tensors["before"], tensors["latest"]
