"""Training steps of every network of the catalogue, on the native kernels and on PyTorch alone."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable

from resnets.bench.measure import Table, alternate, ratio
from resnets.bench.native_step import step_of
from resnets.errors import ConfigError
from resnets.models.catalogue import CATALOGUE
from resnets.models.pretrained import create
from resnets.native.library import status
from resnets.spec import Spec

ROUNDS, AGAIN, SHOWN = 3, 15, 12
"""Rounds in turn; rounds of those that seemed no faster; how many of the least ratios are shown."""
WITHIN = 0.97
"""Less than this share of PyTorch's speed is slower than noise."""
LARGE = 64
"""Pixels from which on images are taken half as large, and 4 instead of 16."""


def catalogue_speed(watch: Callable[[str], None], names: Iterable[str] = CATALOGUE) -> Table:
    """How many times faster a step is with the native kernels: the networks where it is least, and how many are slower.

    `watch` is told each network's ratio when it is there.

    Raises:
        ConfigError: if there are no native kernels here.
    """
    variant = status().variant
    if variant is None:
        raise ConfigError(f"There are no native kernels to measure: {status().reason}.")
    found: dict[str, tuple[float, float, float]] = {}
    for name in names:
        found[name] = faster_by(name, ROUNDS)
        if found[name][1] < 1:
            found[name] = faster_by(name, AGAIN)
        watch(f"{name} {found[name][1]:.2f}")
    medians = [median for _, median, _ in found.values()]
    least = sorted(found, key=lambda name: found[name][1])[:SHOWN]
    return Table(
        "Native kernels: a training step of every network",
        ("network", "images", "PyTorch / native", "range"),
        tuple(_row(name, *found[name]) for name in least),
        (
            f"The {len(least)} least of {len(found)} networks. Median of all {statistics.median(medians):.2f}, most "
            f"{max(medians):.2f}; {sum(median < WITHIN for median in medians)} have less than {WITHIN}.",
            f"Medians of {ROUNDS} rounds in turn after one untimed, of {AGAIN} where those had less than 1. Both "
            f"keep freed memory; channels last, a thread a core, fused SGD with momentum. Variant {variant}.",
        ),
    )


def faster_by(name: str, rounds: int) -> tuple[float, float, float]:
    """Least, median and largest of PyTorch's seconds to those of native kernels."""
    spec, shape = CATALOGUE[name], images_of(CATALOGUE[name])
    steps = {way: step_of(create(name, seed=0), shape, spec.num_classes, way) for way in ("eager", "native")}
    seconds = alternate(steps, rounds=rounds)
    return ratio(seconds["eager"], seconds["native"])


def images_of(spec: Spec) -> tuple[int, int, int, int]:
    """A few images of the size that the network usually sees, half of it where that is large."""
    channels, height, width = spec.usual_input
    if height <= LARGE or spec.maximum_size:
        return 16, channels, height, width
    return 4, channels, max(height // 2, spec.minimum_size), max(width // 2, spec.minimum_size)


def _row(name: str, least: float, median: float, most: float) -> tuple[str, ...]:
    count, _, height, width = images_of(CATALOGUE[name])
    return name, f"{count} of {height}x{width}", f"{median:.2f}", f"{least:.2f} to {most:.2f}"
