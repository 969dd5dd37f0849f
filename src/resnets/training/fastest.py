"""Which settings of the machine train a network fastest, by trying them."""

from __future__ import annotations

import time
from dataclasses import replace

from torch import Tensor, nn

from resnets.native.accelerate import restore
from resnets.outputs import as_outputs
from resnets.training.loss import training_loss
from resnets.training.machine import Machine

ROUNDS = 4
"""Steps of each setting; the fastest counts, since noise only ever adds."""
ENOUGH_SECONDS = 4.0
"""No further round is begun after so long: a step of a large network says enough."""
CLEARLY = 1.15
"""How much slower the setting that usually wins may be measured before it is given up: less than this is noise."""


def fastest(machine: Machine, model: nn.Module, images: Tensor, labels: Tensor) -> Machine:
    """The machine with the fastest memory layout, and with or without native kernels; the model is left as it was.

    Native kernels are tried first, then channels last, then channels first: each is kept unless one of those behind it
    is clearly faster in a step on `images`.
    """
    settings = [replace(machine, channels_last=layout, native=False) for layout in (True, False)]
    if replace(machine, channels_last=True).has_kernels:
        settings.insert(0, replace(machine, channels_last=True))
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    seconds: list[list[float]] = [[] for _ in settings]
    start = time.perf_counter()
    while len(seconds[-1]) < ROUNDS and (not seconds[-1] or time.perf_counter() - start < ENOUGH_SECONDS):
        for setting, times in zip(settings, seconds, strict=True):
            placed = setting.place(model)
            times.append(_step_seconds(placed, images.contiguous(memory_format=setting.memory_format), labels))
    for name, buffer in restore(model).named_buffers():
        buffer.copy_(buffers[name])
    model.zero_grad()
    least = [min(times) for times in seconds]
    return next(setting for i, setting in enumerate(settings) if least[i] <= CLEARLY * min(least[i:]))


def _step_seconds(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    start = time.perf_counter()
    training_loss(as_outputs(model(images)), labels).backward()  # type: ignore[no-untyped-call]
    return time.perf_counter() - start
