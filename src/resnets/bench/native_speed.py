"""Training steps on the native kernels beside PyTorch: eager as it comes, eager keeping its memory, and compiled."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from resnets.bench.measure import Table, alternate, in_order, quickest, ratio
from resnets.bench.native_step import WORKS, Work, training_step
from resnets.errors import ConfigError
from resnets.native.library import status
from resnets.training.machine import keep_freed_memory, return_freed_memory

WAYS = ("eager", "kept", "compiled", "native")


def native_speed() -> Table:
    """Milliseconds of a training step: forward, backward and SGD.

    Raises:
        ConfigError: if there are no native kernels here.
    """
    variant = status().variant
    if variant is None:
        raise ConfigError(f"There are no native kernels to measure: {status().reason}.")
    return Table(
        "Native kernels: a training step",
        (
            *("network", "images", "eager ms", "memory kept ms", "compiled ms", "native ms"),
            *("eager / native", "best other / native"),
        ),
        tuple(_row(work) for work in WORKS),
        (
            f"Medians of rounds in turn ({', '.join(f'{work.name} {work.rounds}' for work in WORKS)}), each after one "
            "untimed; fused SGD with momentum, a thread a core; channels last, compiled channels first. Ratios: median "
            "of the rounds (least to most). Best other: the one with the least median.",
            "Eager has glibc's own settings, the others keep freed memory. Compiled: torch.compile with its defaults, "
            f"not tried where it takes minutes. Variant {variant}.",
        ),
    )


def _row(work: Work) -> tuple[str, ...]:
    ways = [way for way in WAYS if work.compiles or way != "compiled"]
    actions = {way: _times(work.steps, training_step(work, "eager" if way == "kept" else way)) for way in ways}
    prepare = {
        way: in_order(return_freed_memory if way == "eager" else keep_freed_memory, action)
        for way, action in actions.items()
    }
    seconds = alternate(actions, rounds=work.rounds, prepare=prepare)
    best = quickest({way: times for way, times in seconds.items() if way != "native"})
    ratios = [ratio(seconds[other], seconds["native"]) for other in ("eager", best)]
    milliseconds = {way: f"{1000 * statistics.median(seconds[way]) / work.steps:.0f}" for way in ways}
    return (
        work.name,
        f"{work.batch} of {work.size}x{work.size}",
        *(milliseconds.get(way, "") for way in WAYS),
        *(f"{median:.2f} ({least:.2f} to {most:.2f})" for least, median, most in ratios),
    )


def _times(count: int, step: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(count):
            step()

    return run
