"""How long one waits: whole processes, from the command to its last word, and training up to its first step."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

from resnets.bench.measure import Table
from resnets.data.sources import load
from resnets.errors import StoppedError
from resnets.runs.folder import new_run
from resnets.runs.plan import plan
from resnets.runs.request import Request
from resnets.runs.train import run
from resnets.runs.watch import Silent
from resnets.training.fit import StepDone

ROUNDS = 7


def start_time() -> Table:
    """Seconds of `--version`, `--help`, a usage error, a prediction, and the way to a training's first step."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "digit.png"
        _draw_digit(picture)
        commands = {
            "resnets --version": ["--version"],
            "resnets --help": ["--help"],
            "resnets train --epoch 3 (usage error)": ["train", "--epoch", "3"],
            "resnets predict digits digit.png": ["predict", "digits", str(picture)],
        }
        rows = tuple(_row(name, arguments) for name, arguments in commands.items())
        rows += (("resnets train mnist, from imports to the first step", *_spread(_until_first_step(Path(folder)))),)
    return Table(
        "Start: seconds of whole commands",
        ("command", "median s", "least s", "most s"),
        rows,
        (f"{ROUNDS} runs each; of whole commands after one untimed, which leaves Python's bytecode, as by default.",),
    )


def _row(name: str, arguments: list[str]) -> tuple[str, ...]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    seconds = []
    for _ in range(1 + ROUNDS):
        start = time.perf_counter()
        command = [sys.executable, "-m", "resnets", *arguments]
        subprocess.run(command, capture_output=True, check=False, env=environment)
        seconds.append(time.perf_counter() - start)
    return name, *_spread(seconds[1:])


def _spread(seconds: list[float]) -> tuple[str, str, str]:
    return f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}", f"{max(seconds):.2f}"


def _until_first_step(runs: Path) -> list[float]:
    """Seconds of opening and checking the data, choosing settings and taking one step, in this process."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        config, splits = plan(Request(dataset="mnist"), Silent())
        try:
            run(config, new_run(runs, "start"), _First(), splits)
        except StoppedError:
            seconds.append(time.perf_counter() - start)
    return seconds


class _First(Silent):
    """Ends a run after its first step."""

    def stepped(self, step: StepDone) -> None:
        """End it."""
        raise StoppedError(f"Step {step.step} was enough.")


def _draw_digit(path: Path) -> None:
    test = load("mnist").test
    if test is not None:
        Image.fromarray((255 - test.images[0, 0].to(torch.uint8)).numpy()).resize((280, 280)).save(path)
