"""Print how far the losses of trainings differ with and without the native kernels, beside those of two seeds.

    python tools/native_curves.py

Networks of one seed start from the same weights, and all see the same batches of packaged MNIST, without augmentation.
Rounding differs, and training makes any difference grow, as another seed does.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnets.data.sources import load
from resnets.models.build import build
from resnets.native.accelerate import accelerate
from resnets.native.library import active, status
from resnets.spec import ResNetSpec

BATCH, STEPS = 64, 200
SEEDS = range(4)


def curve(images: Tensor, labels: Tensor, seed: int, *, native: bool) -> Tensor:
    """The loss of each step of resnet20 with SGD."""
    model: nn.Module = build(ResNetSpec.cifar(20, in_channels=1), seed=seed)
    model = accelerate(model).train() if native else model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        loss = functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def main() -> None:
    """A few trainings and a table."""
    if active() is None:
        raise SystemExit(f"No native kernels to compare with: {status().reason}.")
    part = load("mnist").train
    order = torch.randperm(len(part.labels), generator=torch.Generator().manual_seed(0))[: STEPS * BATCH]
    images, labels = (part.images[order].float() / 255 - 0.13) / 0.31, part.labels[order].long()
    plain = [curve(images, labels, seed, native=False) for seed in SEEDS]
    ours = [curve(images, labels, seed, native=True) for seed in SEEDS]
    print(f"resnet20 on MNIST, {STEPS} steps of {BATCH}, {status().variant}, {torch.get_num_threads()} threads\n")
    print("| steps | PyTorch's losses | with kernels | largest difference, same seed | of two seeds |")
    print("| --- | --- | --- | --- | --- |")
    edges = [0, 1, *(STEPS * i // 5 for i in range(1, 6))]
    for first, last in pairwise(edges):
        means = [[row[first:last].mean().item() for row in rows] for rows in (plain, ours)]
        pairs = zip(plain, ours, strict=True), combinations(plain, 2)
        apart = [[(one - other)[first:last].abs().max().item() for one, other in found] for found in pairs]
        cells = [*(_range(row, ".4f") for row in means), *(_range(row, ".1e") for row in apart)]
        print(f"| {first + 1} to {last} | {' | '.join(cells)} |")


def _range(numbers: list[float], style: str) -> str:
    return f"{min(numbers):{style}} to {max(numbers):{style}}"


if __name__ == "__main__":
    main()
