"""What a preset reaches on MNIST: accuracy on the test set and seconds of training, over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from resnets.bench.measure import Table
from resnets.bench.reach import Reached, reach, taken_over
from resnets.presets import Patience
from resnets.runs.request import Request
from resnets.runs.watch import Watch

SEEDS: dict[Patience, int] = {"fast": 5, "good": 5, "best": 3}


def preset_reach(patience: Patience, runs: Path, watch: Watch) -> Table:
    """Train a preset with each seed, as `resnets train mnist --preset P --seed S` does, in folders below `runs`.

    Runs that are there already are taken or gone on with; the table tells how many.
    """
    results = []
    for seed in range(SEEDS[patience]):
        request = Request(dataset="mnist", preset=patience, seed=seed)
        results.append(reach(request, runs, f"mnist-{patience}-seed{seed}"))
        watch.said(f"{patience}, seed {seed}: {results[-1]}")
    accuracies = [100 * reached.accuracy for reached in results]
    seconds = [reached.train_seconds for reached in results]
    row = (
        patience,
        len(results),
        f"{statistics.median(accuracies):.2f}",
        f"{statistics.mean(accuracies):.3f}",
        " ".join(reached.percent for reached in results),
        f"{statistics.median(seconds):.1f}",
        f"{max(seconds):.1f}",
    )
    seeds = (
        "Seconds: steps, batches, validations and checkpoints. Seeds 0, 1, 2, ...; 55,000 images to train, "
        "5,000 to validate, 10,000 to test."
    )
    notes = (_from_one_view(results), taken_over(results))
    return Table(
        f"MNIST, preset {patience}: test accuracy and training time",
        ("preset", "seeds", "median %", "mean %", "each %", "median s", "slowest s"),
        (row,),
        (" ".join(filter(None, (seeds, *notes))),),
    )


def _from_one_view(results: Sequence[Reached]) -> str:
    """A sentence on answers from the image alone; empty where they are those of the table."""
    views = results[0].num_views
    if views == 1:
        return ""
    each = [100 * reached.one_view_accuracy for reached in results]
    return (
        f"Answers are the mean of {views} views of an image; from the image alone "
        f"{' '.join(f'{percent:.2f}' for percent in each)} %, mean {statistics.mean(each):.3f} %."
    )
