"""How much memory a training step takes on top of network and images, measured in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from resnets.bench.native_step import WORKS, training_step

STEPS = 3


def step_megabytes(name: str, way: str) -> float:
    """Peak of the process in a few steps, less what it held before them, in MB."""
    command = [sys.executable, "-m", "resnets.bench.step_memory", name, way]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _measure(name: str, way: str) -> float:
    work = next(work for work in WORKS if work.name == name)
    step = training_step(work, way)
    before = _resident_megabytes()
    for _ in range(STEPS):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3 - before


if __name__ == "__main__":
    print(_measure(*sys.argv[1:]))  # noqa: T201  # the parent reads it
