"""How much memory a training step takes on top of network and images, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from resnets.bench.native_step import WORKS, training_step

STEPS = 3


def step_megabytes(name: str, way: str) -> float:
    """Peak of the process in a few steps, less what it held before them, in MB."""
    command = [sys.executable, "-m", "resnets.bench.step_memory", name, way]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _megabytes(field: str) -> float:
    """A line of the process's status; getrusage's peak would be the parent's, where that was larger."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{field}:"))


def _measure(name: str, way: str) -> float:
    work = next(work for work in WORKS if work.name == name)
    step = training_step(work, way)
    before = _megabytes("VmRSS")
    for _ in range(STEPS):
        step()
    return _megabytes("VmHWM") - before


if __name__ == "__main__":
    print(_measure(*sys.argv[1:]))  # noqa: T201  # the parent reads it
