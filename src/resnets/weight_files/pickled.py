"""Pickled checkpoints (`.pth`, `.pt`, `.bin`): opened by a child process that may use little, and by nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from resnets.errors import ModelFileError
from resnets.weight_files.safe import read_safetensors

CHILD = Path(__file__).with_name("pickle_child.py")
REFUSED = 3
"""The child's exit code for a file that is not what it should be."""
NOT_WHOLE = ("Weights only load failed", "PytorchStreamReader", "EOFError")
"""In what torch says of a damaged file, before it goes on to guess how that came about."""
SPARE_BYTES = 2**28
"""Memory beyond four times the file that the child may take."""
SECONDS = 60
"""Processor time of the child for a small file; a second more for each 20 MB."""
SAFE_TORCH = (2, 10)
"""Before, a crafted file could damage the memory of torch's restricted reader (CVE-2026-24747)."""


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The tensors of a pickled checkpoint; whatever else is in it is left alone, and code in it never runs.

    Raises:
        ModelFileError: if it is no checkpoint of plain weights, or needs more time or memory than one should.
    """
    if tuple(map(int, torch.__version__.split(".")[:2])) < SAFE_TORCH:
        raise ModelFileError(
            f"{path} is a pickle, which torch {torch.__version__} cannot open safely: install torch 2.10 or newer, or "
            "give the weights as .safetensors."
        )
    size = path.stat().st_size
    memory, seconds = 4 * size + SPARE_BYTES, SECONDS + size // 20_000_000
    with tempfile.TemporaryDirectory(prefix="resnets-") as folder:
        tensors = Path(folder) / "tensors.safetensors"
        command = [sys.executable, "-I", str(CHILD), str(path.absolute()), str(tensors), str(memory), str(seconds)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=4 * seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise ModelFileError(f"{path} was given up: reading it took more than {4 * seconds} s.") from error
        if done.returncode:
            raise ModelFileError(f"{path} cannot be used: {_reason(done)}.")
        return read_safetensors(tensors)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    said = done.stderr.strip().splitlines() or ["no reason"]
    if done.returncode < 0:
        return f"the process that read it was ended by signal {-done.returncode}; it may be damaged or hostile"
    if done.returncode != REFUSED:
        return f"the process that read it failed ({said[-1]})"
    if found := re.search(r"GLOBAL (\S+)", done.stderr):
        return (
            f"it asks for {found[1]}, and only plain tensors are read. If you trust it, save its state_dict() as "
            ".safetensors where it was made"
        )
    if "can't allocate memory" in done.stderr:
        return "it needs more memory than a file of its size should"
    if any(sign in said[0] for sign in NOT_WHOLE):
        return "it is not a whole checkpoint of plain tensors"
    return said[0].removeprefix("TypeError: ").rstrip(".")  # a type that the child does not take, or what torch says
