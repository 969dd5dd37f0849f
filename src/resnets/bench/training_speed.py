"""Training throughput beside the loop that a tutorial would write: same network, same batches, one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resnets.bench.measure import Table, alternate, in_order, rate, ratio
from resnets.models.pretrained import create
from resnets.native.library import status
from resnets.recipe import Recipe
from resnets.training.fit import train
from resnets.training.machine import Machine, keep_freed_memory, physical_cores, return_freed_memory
from resnets.training.state import TrainingState

BATCH_SIZE = 128
NETS = {"resnet20": 5, "resnet18": 1}
"""Network -> steps in a round."""
ROUNDS = 5


class _Batch(NamedTuple):
    images: Tensor
    labels: Tensor
    indices: Tensor


class _SameBatch:
    """One batch of noise again and again: speed does not depend on what is in it."""

    def __init__(self, batch: _Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return 1_000_000

    def epoch(self, epoch: int, start_step: int, losses: Tensor) -> Iterator[_Batch]:  # noqa: ARG002 - always the same
        while True:
            yield self.batch


def training_speed() -> Table:
    """Images a second of `fit` and of the tutorial's loop, for ResNet-20 and ResNet-18 on 32x32, batch 128."""
    machine = Machine(threads=physical_cores())
    machine.apply()
    rows: list[tuple[str | float | int, ...]] = []
    for name, steps in NETS.items():
        rivals = {"tutorial": _tutorial(name, steps), "resnets": _ours(name, steps, machine)}
        prepare = {
            "tutorial": in_order(return_freed_memory, rivals["tutorial"]),
            "resnets": in_order(keep_freed_memory, rivals["resnets"]),
        }
        seconds = alternate(rivals, rounds=ROUNDS, prepare=prepare)
        least, median, most = ratio(seconds["tutorial"], seconds["resnets"])
        speeds = [round(rate(steps * BATCH_SIZE, seconds[rival])) for rival in ("tutorial", "resnets")]
        rows.append((name, *speeds, f"{median:.2f}", f"{least:.2f} to {most:.2f}"))
    return Table(
        "Training: images/s beside the loop of a tutorial",
        ("network", "tutorial", "resnets", "ratio (median)", "ratio (range)"),
        tuple(rows),
        (
            f"32x32 images, batch {BATCH_SIZE}, {machine.threads} threads, {ROUNDS} rounds in turn, each after "
            "one untimed. Tutorial: channels first, SGD with momentum, cross-entropy, PyTorch's defaults.",
            f"resnets: channels last, fused steps, freed memory kept, native kernels "
            f"({status().variant or 'none here'}); with its finite check, accuracy and schedule.",
        ),
    )


def _data() -> _Batch:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(BATCH_SIZE, 3, 32, 32, generator=generator)
    return _Batch(images, torch.randint(10, (BATCH_SIZE,), generator=generator), torch.arange(BATCH_SIZE))


def _net(name: str) -> nn.Module:
    return create(name, seed=0, num_classes=10, stem="small")


def _tutorial(name: str, steps: int) -> Callable[[], None]:
    model, (images, labels, _) = _net(name).train(), _data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    criterion = nn.CrossEntropyLoss()

    def run() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            loss.item()

    return run


def _ours(name: str, steps: int, machine: Machine) -> Callable[[], None]:
    recipe = Recipe(epochs=1, learning_rate=0.01, schedule="constant", warmup=0)
    batches = _SameBatch(_data())
    state = TrainingState(machine.place(_net(name)), recipe, len(batches))
    story = train(state, machine.place_batches(_SameBatch(_channels_last(batches.batch))))

    def run() -> None:
        for _ in islice(story, steps):
            pass

    return run


def _channels_last(batch: _Batch) -> _Batch:
    """As `Batches` hands them out."""
    return batch._replace(images=batch.images.contiguous(memory_format=torch.channels_last))
