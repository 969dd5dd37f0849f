"""What a run reaches, so that a benchmark of many can be interrupted: runs that are there are taken, others trained."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resnets.data.imageset import Splits
from resnets.errors import ConfigError, ModelFileError
from resnets.runs.config import RunConfig, read_yaml
from resnets.runs.folder import RunFolder, new_run, runs_of
from resnets.runs.plan import plan
from resnets.runs.request import Request
from resnets.runs.train import RunResult, data_facts, resume, run
from resnets.runs.watch import Silent
from resnets.training.checkpoint import Checkpoints
from resnets.training.machine import describe

SAME_MACHINE = ("processor", "instruction_set", "native_kernels", "torch", "python")
"""What a table says once for all its runs, of env.json."""


@dataclass(frozen=True)
class Reached:
    """What a run came to."""

    accuracy: float
    """On the test set."""
    train_seconds: float
    """As `RunResult` has them: of all processes that trained it."""
    before: Literal["", "begun before", "finished before"] = ""
    """How far it was when it was asked for."""
    num_views: int = 1
    """Views of an image that `accuracy` is measured with."""
    one_view_accuracy: float = 0.0
    """From each image alone, where there are more."""

    @property
    def percent(self) -> str:
        """The accuracy as it is printed."""
        return f"{100 * self.accuracy:.2f}"

    def __str__(self) -> str:
        said = f"{self.percent} % in {self.train_seconds:.1f} s"
        return f"{said} ({self.before})" if self.before else said


def reach(request: Request, runs: Path, label: str) -> Reached:
    """Of the run `runs/label-NNN` of a request: finished there, or gone on with from its checkpoint, or trained now.

    Raises:
        ResourceError: if another process trains it at the moment; and as `plan`, `resume` and `run`.
    """
    config, splits = plan(request, Silent())
    earlier = earlier_runs(runs, label, config, splits, native=request.native)
    if found := next(filter(None, map(_finished, earlier)), None):
        return found
    if begun := next(filter(_has_checkpoint, earlier), None):
        return _reached(resume(begun, Silent(), splits), "begun before")
    return _reached(run(config, new_run(runs, label), Silent(), splits))


def earlier_runs(runs: Path, label: str, config: RunConfig, splits: Splits, *, native: bool) -> list[RunFolder]:
    """The folders `runs/label-NNN` of runs with this config on these data and such a machine, the last first.

    Threads, memory layout and, where `native` lets them, native kernels are what was fastest when a run began. Another
    measurement may come out another way, so a run keeps its own.
    """
    facts, machine = data_facts(splits), describe()
    alike = (folder for folder in runs_of(runs, label) if _is_on(folder, facts, machine))
    return [folder for folder in alike if _is_of(folder, config, native=native)]


def taken_over(all_reached: Collection[Reached]) -> str:
    """A sentence on the runs that are not of this command alone; empty if all are."""
    before = sum(1 for reached in all_reached if reached.before)
    return f"{before} of {len(all_reached)} runs were finished or begun before this command." if before else ""


def _is_on(folder: RunFolder, facts: object, machine: Mapping[str, object]) -> bool:
    """Whether a run was begun on these data and such a machine; one that was stopped before it said so was not."""
    try:
        its_facts, its_machine = (
            json.loads((folder.path / name).read_text(encoding="utf-8")) for name in ("data.json", "env.json")
        )
    except (OSError, ValueError):
        return False
    return bool(its_facts == facts) and all(its_machine.get(name) == machine[name] for name in SAME_MACHINE)


def _is_of(folder: RunFolder, config: RunConfig, *, native: bool) -> bool:
    try:
        stored = read_yaml(folder.config)
    except ConfigError:  # of another version
        return False
    kept = dataclasses.replace(stored.machine, device=config.machine.device)
    return stored == dataclasses.replace(config, machine=kept) and (native or not stored.machine.native)


def _finished(folder: RunFolder) -> Reached | None:
    """None if the run has no result yet."""
    try:
        result = json.loads((folder.path / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    views = result.get("num_views", 1), result.get("one_view_accuracy", 0.0)  # earlier versions had one
    return Reached(result["report"]["accuracy"], result["train_seconds"], "finished before", *views)


def _has_checkpoint(folder: RunFolder) -> bool:
    try:
        Checkpoints(folder.checkpoints, folder.disk).newest()
    except ModelFileError:
        return False
    return True


def _reached(result: RunResult, before: Literal["", "begun before"] = "") -> Reached:
    return Reached(result.report.accuracy, result.train_seconds, before, result.num_views, result.one_view_accuracy)
