"""Whole trainings on the native kernels beside PyTorch's: the same seeds, in turn, to the same accuracy."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from resnets.bench.measure import Table
from resnets.bench.reach import Reached, reach, taken_over
from resnets.errors import ConfigError
from resnets.native.library import status
from resnets.runs.request import Request
from resnets.runs.watch import Watch

SEEDS = 3
PHOTO_EPOCHS = 8
MNIST = {f"MNIST, preset {patience}": {"dataset": "mnist", "preset": patience} for patience in ("fast", "good")}
WAYS = {"PyTorch": False, "native": True}


def native_reach(runs: Path, watch: Watch, asked: Mapping[str, Mapping[str, object]] = MNIST) -> Table:
    """Test accuracy and seconds of what is asked, with and without native kernels, in folders below `runs`.

    Runs that are there already are taken or gone on with; the table tells how many.

    Raises:
        ConfigError: if there are no native kernels here.
    """
    if status().variant is None:
        raise ConfigError(f"There are no native kernels to measure: {status().reason}.")
    rows, everything = [], []
    for work, request in asked.items():
        results: dict[str, list[Reached]] = {way: [] for way in WAYS}
        for seed in range(SEEDS):
            for way, native in WAYS.items():
                reached = _train(runs, Request(**{**request, "seed": seed, "native": native}))  # type: ignore[arg-type]
                results[way].append(reached)
                watch.said(f"{work}, seed {seed}, {way}: {reached}")
        rows += [_row(work, way, results) for way in WAYS]
        everything += [reached for way in WAYS for reached in results[way]]
    before = taken_over(everything)
    turns = f", not all in turn: {before}" if before else ", in turn."
    return Table(
        "Native kernels: whole trainings",
        ("work", "kernels", "each %", "mean %", "median s", "faster by"),
        tuple(rows),
        (f"Seeds 0, 1, 2, ...{turns} Variant {status().variant}.",),
    )


def photo_reach(photos: Path) -> Mapping[str, Mapping[str, object]]:
    """ResNet-20 on class folders of small photos."""
    request = {"dataset": str(photos), "size": 32, "model": "resnet20", "recipe": {"epochs": PHOTO_EPOCHS}}
    return {f"resnet20, photos, {PHOTO_EPOCHS} epochs": request}


def _train(runs: Path, request: Request) -> Reached:
    way = "native" if request.native else "torch"
    return reach(request, runs, f"reach-{way}-seed{request.seed}")


def _row(work: str, way: str, results: Mapping[str, list[Reached]]) -> tuple[str, ...]:
    mine = results[way]
    faster = statistics.median(
        other.train_seconds / reached.train_seconds for other, reached in zip(results["PyTorch"], mine, strict=True)
    )
    return (
        work,
        way,
        " ".join(reached.percent for reached in mine),
        f"{statistics.mean(100 * reached.accuracy for reached in mine):.3f}",
        f"{statistics.median(reached.train_seconds for reached in mine):.1f}",
        f"{faster:.2f}",
    )
