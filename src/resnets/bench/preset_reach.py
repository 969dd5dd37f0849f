"""What a preset reaches on MNIST: accuracy on the test set and seconds of training, over seeds."""

from __future__ import annotations

import statistics
from pathlib import Path

from resnets.bench.measure import Table
from resnets.presets import Patience
from resnets.runs.folder import new_run
from resnets.runs.plan import plan
from resnets.runs.request import Request
from resnets.runs.train import RunResult, run
from resnets.runs.watch import Silent, Watch

SEEDS: dict[Patience, int] = {"fast": 5, "good": 5, "best": 3}


def preset_reach(patience: Patience, runs: Path, watch: Watch) -> Table:
    """Train a preset with each seed, as `resnets train mnist --preset P --seed S` does, in folders below `runs`."""
    results = []
    for seed in range(SEEDS[patience]):
        results.append(_train(runs, patience, seed))
        watch.said(f"{patience}, seed {seed}: {_said(results[-1])}")
    accuracies = [100 * result.report.accuracy for result in results]
    seconds = [result.train_seconds for result in results]
    row = (
        patience,
        len(results),
        f"{statistics.median(accuracies):.2f}",
        f"{statistics.mean(accuracies):.3f}",
        " ".join(f"{accuracy:.2f}" for accuracy in accuracies),
        f"{statistics.median(seconds):.1f}",
        f"{max(seconds):.1f}",
    )
    return Table(
        f"MNIST, preset {patience}: test accuracy and training time",
        ("preset", "seeds", "median %", "mean %", "each %", "median s", "slowest s"),
        (row,),
        (
            "Seconds: steps, batches, validations and checkpoints. Seeds 0, 1, 2, ...; 55,000 images to train, "
            "5,000 to validate, 10,000 to test.",
        ),
    )


def _train(runs: Path, patience: Patience, seed: int) -> RunResult:
    config, splits = plan(Request(dataset="mnist", preset=patience, seed=seed), Silent())
    return run(config, new_run(runs, f"mnist-{patience}-seed{seed}"), Silent(), splits)


def _said(result: RunResult) -> str:
    return f"{100 * result.report.accuracy:.2f} % in {result.train_seconds:.1f} s"
