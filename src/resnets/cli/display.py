"""What one sees while a network is trained: one live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from resnets.cli.console import is_live
from resnets.runs.watch import Silent, Watch, epoch_line
from resnets.training.fit import StepDone
from resnets.training.state import TrainingState

PLAIN_INTERVAL = 10.0
"""Seconds between two plain lines inside an epoch."""
RECENT = 0.05
"""Weight of the newest step in the loss, accuracy and speed that the live line shows."""


def display(console: Console, *, is_quiet: bool) -> Watch:
    """The watch that suits a console."""
    if is_quiet:
        return Silent()
    return LiveDisplay(console) if is_live(console) else PlainDisplay(console)


class _Recent:
    """Running means of what the steps report, and the speed."""

    def __init__(self) -> None:
        self.loss = self.accuracy = self.speed = 0.0
        self._steps = 0
        self._last = time.perf_counter()

    def add(self, step: StepDone) -> None:
        """Take in a step; the first ones count fully, so that the means need no warm-up."""
        now = time.perf_counter()
        self._steps += 1
        weight = max(RECENT, 1 / self._steps)
        self.loss += weight * (step.loss - self.loss)
        self.accuracy += weight * (step.accuracy - self.accuracy)
        self.speed += weight * (step.images / max(now - self._last, 1e-9) - self.speed)
        self._last = now


class PlainDisplay:
    """One line an epoch, and one every ten seconds within long ones; no colours, no cursor movements."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._recent = _Recent()
        self._steps = 0
        self._next = time.perf_counter() + PLAIN_INTERVAL

    def said(self, text: str) -> None:
        """One line."""
        self._console.print(text)

    def reading(self, done: int, total: int) -> None:
        """A line when all files are read, and every ten seconds before."""
        now = time.perf_counter()
        if done == total or now >= self._next:
            self.said(f"read {done} of {total} files")
            self._next = now + PLAIN_INTERVAL

    def started(self, state: TrainingState, images: int) -> None:
        """Say what is ahead."""
        self._recent = _Recent()
        self._steps = state.total_steps
        self._next = time.perf_counter() + PLAIN_INTERVAL
        ahead = state.total_steps - state.step
        self.said(f"Training on {images:,} images, {ahead:,} step{'' if ahead == 1 else 's'} ahead.")

    def stepped(self, step: StepDone) -> None:
        """A line if it is time for one."""
        self._recent.add(step)
        now = time.perf_counter()
        if step.epoch_done:
            self.said(f"{epoch_line(step.epoch_done)}  {self._recent.speed:,.0f} images/s")
        elif now >= self._next:
            self.said(
                f"epoch {step.epoch:3d}  step {step.step} of {self._steps}  loss {self._recent.loss:.4f}  "
                f"accuracy {100 * self._recent.accuracy:.2f} %  {self._recent.speed:,.0f} images/s"
            )
        else:
            return
        self._next = now + PLAIN_INTERVAL

    def ended(self) -> None:
        """Nothing to clear away."""


class LiveDisplay:
    """One line that redraws itself, and above it a line for each epoch."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._recent = _Recent()
        self._next = 0.0

    def said(self, text: str) -> None:
        """One line above the live one."""
        self._console.print(text)

    def reading(self, done: int, total: int) -> None:
        """A bar of the files read."""
        if self._progress is None:
            self._open("reading files", total)
        self._update(f"{done:,} of {total:,}", done)
        if done == total:
            self.ended()

    def started(self, state: TrainingState, images: int) -> None:
        """Begin the live line."""
        self.ended()
        self.said(f"Training on {images:,} images.")
        self._recent = _Recent()
        self._open("training", state.total_steps, state.step)

    def stepped(self, step: StepDone) -> None:
        """Redraw, at most ten times a second."""
        self._recent.add(step)
        if step.epoch_done:
            self.said(epoch_line(step.epoch_done))
        now = time.perf_counter()
        if now >= self._next or step.epoch_done:
            self._next = now + 0.1
            text = (
                f"epoch {step.epoch}  step {step.step}  loss {self._recent.loss:.3f}  "
                f"accuracy {100 * self._recent.accuracy:.1f} %  {self._recent.speed:,.0f} images/s"
            )
            self._update(text, step.step)

    def ended(self) -> None:
        """Clear the live line away."""
        if self._progress:
            self._progress.stop()
            self._progress = None

    def _open(self, title: str, total: int, done: int = 0) -> None:
        columns = (
            TextColumn(title),
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            TimeRemainingColumn(compact=True),
        )
        self._progress = Progress(*columns, console=self._console, transient=True, auto_refresh=False)
        self._progress.start()
        self._task = self._progress.add_task("", total=total, completed=done)

    def _update(self, text: str, done: int) -> None:
        if self._progress:
            self._progress.update(self._task, description=text, completed=done, refresh=True)
