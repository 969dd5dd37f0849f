"""The training steps that native kernels are measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from resnets.models.pretrained import create
from resnets.training.machine import Machine, physical_cores


@dataclass(frozen=True)
class Work:
    """A network with its images."""

    name: str
    stem: str
    size: int
    batch: int
    steps: int
    """In a round of a benchmark."""
    rounds: int
    compiles: bool = True
    """Whether torch.compile is tried: ResNet-50 takes it minutes."""


WORKS = (
    Work("resnet18", "small", 32, 128, steps=1, rounds=5),
    Work("resnet20", "small", 32, 128, steps=4, rounds=15),
    Work("resnet50", "large", 224, 16, steps=1, rounds=5, compiles=False),
)


def training_step(work: Work, way: str, *, keep_memory: bool = True) -> Callable[[], None]:
    """Forward, backward and SGD with momentum, a thread a core; by PyTorch `eager`, `compiled`, or `native`.

    Channels last, but channels first where it is compiled: torch.compile's batch norm is ten times slower otherwise.
    """
    machine = Machine(
        threads=physical_cores(), native=way == "native", channels_last=way != "compiled", keep_memory=keep_memory
    )
    machine.apply()
    model: nn.Module = machine.place(create(work.name, seed=0, num_classes=10, stem=work.stem).train())
    run = torch.compile(model) if way == "compiled" else model
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(work.batch, 3, work.size, work.size, generator=generator)
    images = images.contiguous(memory_format=machine.memory_format)
    labels = torch.randint(10, (work.batch,), generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(run(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
