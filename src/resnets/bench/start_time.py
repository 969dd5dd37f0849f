"""How long one waits: whole processes, from the command to its last word."""

from __future__ import annotations

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

ROUNDS = 7


def start_time() -> Table:
    """Seconds of `--version`, `--help`, a usage error and a prediction."""
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
    return Table(
        "Start: seconds of whole commands",
        ("command", "median s", "least s", "most s"),
        rows,
        (f"{ROUNDS} runs each.",),
    )


def _row(name: str, arguments: list[str]) -> tuple[str, ...]:
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "resnets", *arguments], capture_output=True, check=False)
        seconds.append(time.perf_counter() - start)
    return name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}", f"{max(seconds):.2f}"


def _draw_digit(path: Path) -> None:
    test = load("mnist").test
    if test is not None:
        Image.fromarray((255 - test.images[0, 0].to(torch.uint8)).numpy()).resize((280, 280)).save(path)
