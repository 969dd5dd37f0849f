"""A problem that a tiny network learns in a second: which quarter of the image is bright."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn


class ToyBatch(NamedTuple):
    images: Tensor
    labels: Tensor
    indices: Tensor


class ToyBatches:
    """`count` batches of 8x8 images; epoch e is the same whenever it is asked for."""

    def __init__(self, count: int = 6, size: int = 16) -> None:
        self.count = count
        self.size = size

    def __len__(self) -> int:
        return self.count

    def epoch(self, epoch: int, start_step: int = 0, losses: Tensor | None = None) -> Iterator[ToyBatch]:  # noqa: ARG002
        for step in range(start_step, self.count):
            generator = torch.Generator().manual_seed(1000 * epoch + step)
            labels = torch.randint(4, (self.size,), generator=generator)
            images = torch.randn(self.size, 1, 8, 8, generator=generator) * 0.3
            for image, label in zip(images, labels.tolist(), strict=True):
                row, column = divmod(label, 2)
                image[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1
            yield ToyBatch(images, labels, torch.arange(step * self.size, (step + 1) * self.size))


def toy_model(seed: int = 0, *, dropout: float = 0.1) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * 16, 4),
        )
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def accuracy(model: nn.Module) -> tuple[float, float, int]:
    """Loss, accuracy and images of a batch that no epoch of a test uses."""
    model.eval()
    batch = next(iter(ToyBatches().epoch(999)))
    with torch.no_grad():
        logits = model(batch.images)
        loss = nn.functional.cross_entropy(logits, batch.labels)
    return float(loss), float((logits.argmax(1) == batch.labels).float().mean()), len(batch.labels)
