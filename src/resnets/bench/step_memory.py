"""How much memory a training step takes on top of network and images, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from resnets.bench.measure import Table
from resnets.bench.native_step import WORKS, Work, training_step
from resnets.errors import ConfigError
from resnets.native.library import status

STEPS = 3


def step_memory() -> Table:
    """Megabytes that a training step takes, with freed memory given back and kept, by PyTorch and natively.

    Raises:
        ConfigError: if there are no native kernels here.
    """
    if status().variant is None:
        raise ConfigError(f"There are no native kernels to measure: {status().reason}.")
    return Table(
        "Native kernels: memory of a training step, MB",
        ("network", "images", "eager", "native", "native / eager", "eager, memory kept", "native, memory kept"),
        tuple(_row(work) for work in WORKS),
        (
            f"Peak of a process of its own in {STEPS} steps, above what network and images take. Kept: freed memory is "
            "kept, as trainings do (decision 3), otherwise glibc's own settings.",
        ),
    )


def _row(work: Work) -> tuple[str, ...]:
    eager, native, eager_kept, native_kept = (
        step_megabytes(work.name, way, keep_memory=keep) for keep in (False, True) for way in ("eager", "native")
    )
    images = f"{work.batch} of {work.size}x{work.size}"
    cells = f"{eager:.0f}", f"{native:.0f}", f"{native / eager:.2f}", f"{eager_kept:.0f}", f"{native_kept:.0f}"
    return (work.name, images, *cells)


def step_megabytes(name: str, way: str, *, keep_memory: bool) -> float:
    """Peak of the process in a few steps, less what it held before them, in MB; with freed memory kept or not."""
    command = [sys.executable, "-m", "resnets.bench.step_memory", name, way, *(["keep"] if keep_memory else [])]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _megabytes(field: str) -> float:
    """A line of the process's status; getrusage's peak would be the parent's, where that was larger."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{field}:"))


def _measure(name: str, way: str, keep: str = "") -> float:
    work = next(work for work in WORKS if work.name == name)
    step = training_step(work, way, keep_memory=bool(keep))
    before = _megabytes("VmRSS")
    for _ in range(STEPS):
        step()
    return _megabytes("VmHWM") - before


if __name__ == "__main__":
    print(_measure(*sys.argv[1:]))  # noqa: T201  # the parent reads it
