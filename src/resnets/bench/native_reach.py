"""Whole trainings on the native kernels beside PyTorch's: the same seeds, in turn, to the same accuracy."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from resnets.bench.measure import Table
from resnets.errors import ConfigError
from resnets.native.library import status
from resnets.runs.folder import new_run
from resnets.runs.plan import plan
from resnets.runs.request import Request
from resnets.runs.train import RunResult, run
from resnets.runs.watch import Silent, Watch

SEEDS = 3
PHOTO_EPOCHS = 8
MNIST = {f"MNIST, preset {patience}": {"dataset": "mnist", "preset": patience} for patience in ("fast", "good")}
WAYS = {"PyTorch": False, "native": True}


def native_reach(runs: Path, watch: Watch, asked: Mapping[str, Mapping[str, object]] = MNIST) -> Table:
    """Test accuracy and seconds of what is asked, with and without native kernels, in folders below `runs`.

    Raises:
        ConfigError: if there are no native kernels here.
    """
    if status().variant is None:
        raise ConfigError(f"There are no native kernels to measure: {status().reason}.")
    rows = []
    for work, request in asked.items():
        results: dict[str, list[RunResult]] = {way: [] for way in WAYS}
        for seed in range(SEEDS):
            for way, native in WAYS.items():
                result = _train(runs, Request(**{**request, "seed": seed, "native": native}))  # type: ignore[arg-type]
                results[way].append(result)
                watch.said(f"{work}, seed {seed}, {way}: {_percent(result)} % in {result.train_seconds:.1f} s")
        rows += [_row(work, way, results) for way in WAYS]
    return Table(
        "Native kernels: whole trainings",
        ("work", "kernels", "each %", "mean %", "median s", "faster by"),
        tuple(rows),
        (f"Seeds 0, 1, 2, ..., in turn. Variant {status().variant}.",),
    )


def photo_reach(photos: Path) -> Mapping[str, Mapping[str, object]]:
    """ResNet-20 on class folders of small photos."""
    request = {"dataset": str(photos), "size": 32, "model": "resnet20", "recipe": {"epochs": PHOTO_EPOCHS}}
    return {f"resnet20, photos, {PHOTO_EPOCHS} epochs": request}


def _train(runs: Path, request: Request) -> RunResult:
    config, splits = plan(request, Silent())
    way = "native" if request.native else "torch"
    return run(config, new_run(runs, f"reach-{way}-seed{request.seed}"), Silent(), splits)


def _percent(result: RunResult) -> str:
    return f"{100 * result.report.accuracy:.2f}"


def _row(work: str, way: str, results: Mapping[str, list[RunResult]]) -> tuple[str, ...]:
    mine = results[way]
    faster = statistics.median(
        other.train_seconds / result.train_seconds for other, result in zip(results["PyTorch"], mine, strict=True)
    )
    return (
        work,
        way,
        " ".join(map(_percent, mine)),
        f"{statistics.mean(100 * result.report.accuracy for result in mine):.3f}",
        f"{statistics.median(result.train_seconds for result in mine):.1f}",
        f"{faster:.2f}",
    )
