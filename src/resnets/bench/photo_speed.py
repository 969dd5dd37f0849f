"""Reading and training on class folders of photos: does any step wait for data?"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from resnets.bench.measure import Table
from resnets.runs.folder import new_run
from resnets.runs.plan import plan
from resnets.runs.request import Request
from resnets.runs.train import run, training_batches
from resnets.runs.watch import Silent
from resnets.training.fit import StepDone

EPOCHS = 3
SIZE = 32


def photo_speed(photos: Path) -> Table:
    """Images a second of decoding, of batches alone, and of training ResNet-20 with and without the decoding."""
    start = time.perf_counter()
    asked = Request(dataset=str(photos), size=SIZE, model="resnet20", recipe={"epochs": EPOCHS})
    config, splits = plan(asked, Silent())
    read_seconds = time.perf_counter() - start
    count = sum(len(part) for part in (splits.train, splits.validation, splits.test) if part)
    start = time.perf_counter()
    for _ in training_batches(config, splits.train).epoch(0):
        pass
    batch_seconds = time.perf_counter() - start
    steps = _Steps()
    with tempfile.TemporaryDirectory() as parent:
        result = run(config, new_run(Path(parent), "photos"), steps, splits)
    images = EPOCHS * len(splits.train)
    share = EPOCHS * batch_seconds / result.train_seconds
    rows = (
        ("decoding, once", round(count / read_seconds)),
        ("batches alone", round(len(splits.train) / batch_seconds)),
        ("training, images in memory", round(images / result.train_seconds)),
        ("training and decoding", round(images / (result.train_seconds + read_seconds))),
    )
    return Table(
        f"Photos: images/s of ResNet-20 on {count:,} JPEG files at {SIZE}x{SIZE}",
        ("work", "images/s"),
        rows,
        (
            f"{EPOCHS} epochs, {result.train_seconds:.0f} s of training after {read_seconds:.0f} s of reading; "
            f"batches are {100 * share:.1f} % of a step, the slowest step took {steps.slowest_ratio:.1f} times the "
            f"median; test accuracy {100 * result.report.accuracy:.2f} %.",
        ),
    )


class _Steps(Silent):
    """Notes how long each step took, waiting for its data included."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._last = time.perf_counter()

    def stepped(self, step: StepDone) -> None:
        """Note the time, except of steps that a validation follows."""
        now = time.perf_counter()
        if not step.epoch_done:
            self.seconds.append(now - self._last)
        self._last = now

    @property
    def slowest_ratio(self) -> float:
        """Of the slowest step, after the first ones, to the median."""
        ordered = sorted(self.seconds[5:])
        return ordered[-1] / ordered[len(ordered) // 2]
