"""Times and ratios that can be trusted on a noisy machine: rivals take turns in one process, medians are compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """One benchmark's outcome, ready for JSON and Markdown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int, ...], ...]
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str | int] = field(default_factory=dict)
    """Machine, versions and command."""


Action = Callable[[], object]


def alternate(
    rivals: Mapping[str, Action], *, rounds: int, warmups: int = 1, prepare: Mapping[str, Action] | None = None
) -> dict[str, list[float]]:
    """Seconds of each rival in each round; within a round they take turns, so that drift hits all alike.

    What `prepare` has for a rival comes before its turn and is not timed.
    """
    for _ in range(warmups):
        for action in rivals.values():
            action()
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, action in rivals.items():
            if prepare and name in prepare:
                prepare[name]()
            start = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def in_order(*actions: Action) -> Action:
    """One action of several."""

    def run() -> None:
        for action in actions:
            action()

    return run


def ratio(slow: list[float], quick: list[float]) -> tuple[float, float, float]:
    """Least, median and largest of slow / quick, round by round."""
    ratios = [one / other for one, other in zip(slow, quick, strict=True)]
    return min(ratios), statistics.median(ratios), max(ratios)


def quickest(seconds: Mapping[str, list[float]]) -> str:
    """The rival with the least median.

    The least of each round instead would be a rival that nobody can take: the one that the machine was kind to.
    """
    return min(seconds, key=lambda rival: statistics.median(seconds[rival]))


def rate(images: int, seconds: list[float]) -> float:
    """Images a second in the median round."""
    return images / statistics.median(seconds)
