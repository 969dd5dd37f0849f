"""Training steps on the native kernels beside PyTorch's own best: eager with channels last, and compiled."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from resnets.bench.measure import Table, alternate, ratio
from resnets.bench.native_step import WORKS, Work, training_step
from resnets.bench.step_memory import step_megabytes
from resnets.errors import ConfigError
from resnets.native.library import status

WAYS = ("eager", "compiled", "native")
ROUNDS = 5


def native_speed() -> Table:
    """Milliseconds and megabytes of a training step: forward, backward and SGD.

    Raises:
        ConfigError: if there are no native kernels here.
    """
    variant = status().variant
    if variant is None:
        raise ConfigError(f"There are no native kernels to measure: {status().reason}.")
    return Table(
        "Native kernels: a training step",
        (
            *("network", "images", "eager ms", "compiled ms", "native ms", "eager / native", "best other / native"),
            *("eager MB", "native MB"),
        ),
        tuple(_row(work) for work in WORKS),
        (
            f"Medians of {ROUNDS} rounds in turn; freed memory kept, fused SGD with momentum, a thread a core; "
            "channels last, compiled channels first. Ratios: median of the rounds (least to most).",
            "Compiled: torch.compile with its defaults, not tried where it takes minutes. MB: peak of a process of "
            f"its own above what network and images take. Variant {variant}.",
        ),
    )


def _row(work: Work) -> tuple[str, ...]:
    ways = [way for way in WAYS if work.compiles or way != "compiled"]
    seconds = alternate({way: _times(work.steps, training_step(work, way)) for way in ways}, rounds=ROUNDS)
    others = [seconds[way] for way in ways if way != "native"]
    best = [min(times) for times in zip(*others, strict=True)]
    ratios = [ratio(other, seconds["native"]) for other in (seconds["eager"], best)]
    milliseconds = {way: f"{1000 * statistics.median(seconds[way]) / work.steps:.0f}" for way in ways}
    return (
        work.name,
        f"{work.batch} of {work.size}x{work.size}",
        *(milliseconds.get(way, "") for way in WAYS),
        *(f"{median:.2f} ({least:.2f} to {most:.2f})" for least, median, most in ratios),
        *(f"{step_megabytes(work.name, way):.0f}" for way in ("eager", "native")),
    )


def _times(count: int, step: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(count):
            step()

    return run
