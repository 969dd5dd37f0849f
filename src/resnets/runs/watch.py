"""Who looks on while a network is trained."""

from __future__ import annotations

import time
from typing import Protocol

from resnets.runs.folder import RunFolder
from resnets.training.fit import EpochDone, StepDone
from resnets.training.state import TrainingState


class Watch(Protocol):
    """Who looks on: the terminal's display, a log, a test."""

    def said(self, text: str) -> None:
        """Something worth a line."""

    def reading(self, done: int, total: int) -> None:
        """Files read so far."""

    def started(self, state: TrainingState, images: int) -> None:
        """The training begins, or goes on."""

    def stepped(self, step: StepDone) -> None:
        """A step was taken."""

    def ended(self) -> None:
        """No more steps will come."""


class Silent:
    """A watch that says nothing."""

    def said(self, text: str) -> None:
        """Nothing."""

    def reading(self, done: int, total: int) -> None:
        """Nothing."""

    def started(self, state: TrainingState, images: int) -> None:
        """Nothing."""

    def stepped(self, step: StepDone) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""


class Logged:
    """Writes what is said, and each epoch, to the run's log.txt with the time; and passes all on to another watch.

    A log that cannot be written never stops a training.
    """

    def __init__(self, folder: RunFolder, watch: Watch) -> None:
        self._folder = folder
        self._watch = watch

    def said(self, text: str) -> None:
        """Log and pass on."""
        self._log(text)
        self._watch.said(text)

    def reading(self, done: int, total: int) -> None:
        """Pass on."""
        self._watch.reading(done, total)

    def started(self, state: TrainingState, images: int) -> None:
        """Log and pass on."""
        self._log(f"training from step {state.step} of {state.total_steps} on {images} images")
        self._watch.started(state, images)

    def stepped(self, step: StepDone) -> None:
        """Log the end of an epoch, and pass on."""
        if step.epoch_done:
            self._log(epoch_line(step.epoch_done))
        self._watch.stepped(step)

    def ended(self) -> None:
        """Pass on."""
        self._watch.ended()

    def _log(self, text: str) -> None:
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n"
        try:
            self._folder.disk.append(self._folder.path / "log.txt", line.encode())
        except OSError:
            return


def epoch_line(epoch: EpochDone) -> str:
    """An epoch in a line: what was learned, what it is worth."""
    parts = [
        f"epoch {epoch.epoch:3d}",
        f"train loss {epoch.train_loss:.4f}, accuracy {100 * epoch.train_accuracy:.2f} %",
    ]
    if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
        best = "  kept" if epoch.is_best else ""
        parts.append(
            f"validation loss {epoch.validation_loss:.4f}, accuracy {100 * epoch.validation_accuracy:.2f} %{best}"
        )
    return "  ".join(parts)
