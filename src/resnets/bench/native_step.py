"""The training steps that native kernels are measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from resnets.models.pretrained import create
from resnets.outputs import as_outputs
from resnets.recipe import Recipe
from resnets.training.loss import training_loss
from resnets.training.machine import Machine, physical_cores
from resnets.training.optimizer import make_optimizer


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


CLASSES = 10
WORKS = (
    Work("resnet18", "small", 32, 128, steps=1, rounds=5),
    Work("resnet20", "small", 32, 128, steps=4, rounds=15),
    Work("resnet50", "large", 224, 16, steps=1, rounds=5, compiles=False),
)


def training_step(work: Work, way: str, *, keep_memory: bool = True) -> Callable[[], None]:
    """A step of that work, as `step_of` makes it."""
    model = create(work.name, seed=0, num_classes=CLASSES, stem=work.stem)
    return step_of(model, (work.batch, 3, work.size, work.size), CLASSES, way, keep_memory=keep_memory)


def step_of(
    model: nn.Module, shape: tuple[int, int, int, int], classes: int, way: str, *, keep_memory: bool = True
) -> Callable[[], None]:
    """Forward, backward and SGD with momentum, a thread a core; by PyTorch `eager`, `compiled`, or `native`.

    Channels last, but channels first where it is compiled: torch.compile's batch norm is ten times slower otherwise.
    """
    machine = Machine(
        threads=physical_cores(), native=way == "native", channels_last=way != "compiled", keep_memory=keep_memory
    )
    machine.apply()
    model = machine.place(model.train())
    run = torch.compile(model) if way == "compiled" else model
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(shape, generator=generator).contiguous(memory_format=machine.memory_format)
    labels = torch.randint(classes, shape[:1], generator=generator)
    optimizer = make_optimizer(model, Recipe(learning_rate=0.01))

    def step() -> None:
        optimizer.zero_grad()
        training_loss(as_outputs(run(images)), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
