"""How long networks take to build: laid out without weights, which is all that counting needs, and with weights."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import torch
from torch import nn

from resnets.bench.measure import Table
from resnets.inspection.complexity import num_parameters
from resnets.models.build import build, outline
from resnets.models.catalogue import spec_of

NETWORKS = (
    "resnet50", "resnet152", "densenet201", "inception_v4", "inception_resnet_v2", "se_resnet152",
    "pyramidnet272_a200_bn", "resnet1001", "resnet1202",
)  # fmt: skip
"""The slowest, and those that everybody knows."""
ROUNDS = 7


def build_time() -> Table:
    """Milliseconds of the processor for networks of many modules, beside PyTorch's own layers alone."""
    return Table(
        "Building: milliseconds of processor time",
        ("network", "modules", "parameters", "laid out", "its layers alone", "with weights"),
        tuple(_row(name) for name in NETWORKS),
        (
            f"Least of {ROUNDS} rounds, in which the three take turns. Laid out: shapes without weights, as counts "
            "need them. Its layers alone: as many of PyTorch's convolutions and norms in a list, on the meta device.",
        ),
    )


def _row(name: str) -> tuple[str | int, ...]:
    spec = spec_of(name)
    model = outline(spec)
    modules = list(model.modules())
    convolutions = sum(isinstance(module, nn.Conv2d) for module in modules)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in modules)
    rivals = (lambda: outline(spec), lambda: _layers_alone(convolutions, norms), lambda: build(spec, seed=0))
    times: list[list[float]] = [[] for _ in rivals]
    for _ in range(ROUNDS):
        for rival, seconds in zip(rivals, times, strict=True):
            seconds.append(_processor_seconds(rival))
    return name, len(modules), num_parameters(model), *(f"{1000 * min(seconds):.0f}" for seconds in times)


def _layers_alone(convolutions: int, norms: int) -> nn.Module:
    with torch.device("meta"):
        layers = [nn.Conv2d(16, 16, 3, padding=1, bias=False) for _ in range(convolutions)]
        return nn.Sequential(*layers, *(nn.BatchNorm2d(16) for _ in range(norms)))


def _processor_seconds(action: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    action()
    return time.process_time() - start
