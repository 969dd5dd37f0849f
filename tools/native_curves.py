"""Print how far the losses of a training differ with and without the native kernels, beside those of other seeds.

    python tools/native_curves.py

The network starts from the same weights and sees the same batches of packaged MNIST, without augmentation. Rounding
differs, and training makes any difference grow, as another seed does.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnets.data.sources import load
from resnets.models.build import build
from resnets.native.accelerate import accelerate
from resnets.native.library import active, status
from resnets.spec import ResNetSpec

BATCH, STEPS = 64, 200
OTHER_SEEDS = (1, 2, 3)


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
    plain = curve(images, labels, 0, native=False)
    ours = curve(images, labels, 0, native=True)
    others = [curve(images, labels, seed, native=False) for seed in OTHER_SEEDS]
    print(f"resnet20 on MNIST, {STEPS} steps of {BATCH}, {status().variant}, {torch.get_num_threads()} threads\n")
    print("| steps | loss | with kernels | of other seeds | largest difference | of other seeds |")
    print("| --- | --- | --- | --- | --- | --- |")
    edges = [0, 1, *(STEPS * i // 5 for i in range(1, 6))]
    for first, last in pairwise(edges):
        losses = [row[first:last].mean() for row in (plain, ours, *others)]
        apart = [(row - plain)[first:last].abs().max() for row in (ours, *others)]
        means = f"{losses[0]:.4f} | {losses[1]:.4f} | {min(losses[2:]):.4f} to {max(losses[2:]):.4f}"
        largest = f"{apart[0]:.1e} | {min(apart[1:]):.1e} to {max(apart[1:]):.1e}"
        print(f"| {first + 1} to {last} | {means} | {largest} |")


if __name__ == "__main__":
    main()
