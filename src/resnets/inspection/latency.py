"""How long a network takes for one image, measured on this machine."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch

from resnets.models.build import build
from resnets.spec import Spec

ROUNDS = 7
"""Measured passes; one more before them warms up."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds for one image, in evaluation and without gradients."""

    median: float
    fastest: float
    slowest: float
    rounds: int
    threads: int
    """Threads that shared each operation."""


def latency(spec: Spec, input_shape: tuple[int, ...]) -> Latency:
    """Time a network with random weights on one random image of (channels, height, width).

    Raises:
        ResourceError: if the machine's memory cannot hold the weights.
    """
    model = build(spec, seed=0).eval()
    image = torch.randn(1, *input_shape, generator=torch.Generator().manual_seed(0))
    seconds = []
    with torch.inference_mode():
        model(image)
        for _ in range(ROUNDS):
            start = time.perf_counter()
            model(image)
            seconds.append(time.perf_counter() - start)
    return Latency(
        median=statistics.median(seconds),
        fastest=min(seconds),
        slowest=max(seconds),
        rounds=ROUNDS,
        threads=torch.get_num_threads(),
    )
