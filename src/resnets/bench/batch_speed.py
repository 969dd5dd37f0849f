"""The batch pipeline for 28x28 images beside a DataLoader that transforms each sample."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from resnets.bench.measure import Table, alternate, rate
from resnets.data.batches import Batches
from resnets.data.imageset import ImageSet
from resnets.data.sources import load
from resnets.recipe import Augmentation
from resnets.training.machine import Machine, physical_cores

BATCH_SIZE = 128
ROUNDS = 5
SAMPLES = 2_000
"""Images of the DataLoader's round: it is too slow for all."""
KINDS = {
    "none": Augmentation(),
    "shift, erase": Augmentation(shift=2, erase=8),
    "shift, rotate, scale": Augmentation(shift=2, rotate=10, scale=0.1),
    "shift, rotate, scale, shear, erase": Augmentation(shift=2, rotate=10, scale=0.1, shear=5, erase=8),
}


def batch_speed() -> Table:
    """Images a second of both, for several augmentations."""
    Machine(threads=physical_cores()).apply()
    images = load("mnist").train
    rows: list[tuple[str | float | int, ...]] = []
    for name, augmentation in KINDS.items():
        seconds = alternate(
            {"loader": _loader(images, augmentation), "ours": _ours(images, augmentation)}, rounds=ROUNDS
        )
        loader, ours = rate(SAMPLES, seconds["loader"]), rate(len(images), seconds["ours"])
        rows.append((name, round(loader), round(ours), f"{ours / loader:.0f}"))
    return Table(
        "Batches: images/s of augmented, normalised 28x28 images",
        ("augmentation", "DataLoader", "resnets", "ratio"),
        tuple(rows),
        (
            f"Batch {BATCH_SIZE}, median of {ROUNDS} rounds in turn; "
            "DataLoader without workers, one tensor transform a sample.",
        ),
    )


def _ours(images: ImageSet, augmentation: Augmentation) -> Callable[[], None]:
    batches = Batches(images, batch_size=BATCH_SIZE, seed=0, augmentation=augmentation, training=True)

    def run() -> None:
        for _ in batches.epoch(0):
            pass

    return run


class _Samples(Dataset[tuple[Tensor, int]]):
    """What a tutorial writes: each sample is shifted, turned, erased and normalised when it is asked for."""

    def __init__(self, images: ImageSet, augmentation: Augmentation) -> None:
        self.images, self.augmentation = images, augmentation

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        how = self.augmentation
        image = self.images.images[place].float() / 255
        if how.rotate or how.scale or how.shear:
            image = _turned(image, how)
        elif how.shift:
            right, down = (int(torch.randint(-int(how.shift), int(how.shift) + 1, ())) for _ in range(2))
            image = torch.roll(image, (down, right), (1, 2))
        if how.erase:
            row, column = (int(torch.randint(0, 28 - how.erase, ())) for _ in range(2))
            image[:, row : row + how.erase, column : column + how.erase] = 0
        return (image - 0.1307) / 0.3081, int(self.images.labels[place])


def _turned(image: Tensor, how: Augmentation) -> Tensor:
    uniform = torch.rand(5) * 2 - 1
    angle, size = math.radians(how.rotate) * uniform[0], 1 + how.scale * uniform[1]
    slant = math.tan(math.radians(how.shear)) * uniform[2]
    shift = uniform[3:] * how.shift / 14
    cosine, sine = angle.cos() / size, angle.sin() / size
    matrix = torch.stack([cosine, slant - sine, shift[0], sine, cosine, shift[1]]).view(1, 2, 3)
    grid = functional.affine_grid(matrix, [1, 1, 28, 28], align_corners=False)
    return functional.grid_sample(image[None], grid, align_corners=False)[0]


def _loader(images: ImageSet, augmentation: Augmentation) -> Callable[[], None]:
    loader = DataLoader(_Samples(images, augmentation), batch_size=BATCH_SIZE, shuffle=True)

    def run() -> None:
        for _ in loader:
            pass

    return run
