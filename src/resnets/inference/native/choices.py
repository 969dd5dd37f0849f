"""What was measured on this machine, kept in a file from run to run."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import platformdirs
import torch

from resnets.inference.native.measuring import cuts, fastest, usual
from resnets.inference.native.operations import Convolution
from resnets.inference.native.steps import Cut
from resnets.native import library
from resnets.native.library import Kernels
from resnets.storage import Disk

SCHEMA = 2


class Choices:
    """For each convolution how to do it: as measured before on a machine like this one, else as is found now.

    A file that is damaged, or was written on another machine, is as good as none: it is written anew.

    Args:
        folder: where the file is; the user's cache if not said.
        machine: what a measurement depends on beside the convolution; this machine if not said.
        measure: finds the fastest way; None takes the one that usually is, and keeps nothing.
    """

    def __init__(
        self,
        folder: Path | None = None,
        machine: Mapping[str, str | int] | None = None,
        measure: Callable[..., Cut | None] | None = fastest,
    ) -> None:
        self._measure = measure
        self.machine = dict(this_machine() if machine is None else machine)
        digest = hashlib.sha256(json.dumps(self.machine, sort_keys=True).encode()).hexdigest()[:12]
        self.file = (cache_folder() if folder is None else folder) / f"choices-{digest}.json"
        self._known, self._has_news = self._read(), False

    def cut(
        self, kernels: Kernels, operation: Convolution, shape: tuple[int, ...], *, has_residual: bool
    ) -> Cut | None:
        """How the kernels do it, or None where oneDNN does."""
        possible = cuts(operation)
        if not possible:
            return None
        name = _name(operation, shape, has_residual=has_residual)
        if name not in self._known or self._known[name] not in (None, *possible):
            if self._measure is None:
                return usual(operation, shape)
            self._known[name] = self._measure(kernels, operation, shape, has_residual=has_residual)
            self._has_news = True
        known = self._known[name]
        return next((cut for cut in possible if cut == known), known)  # a file may say 24.0 instead of 24

    def save(self) -> None:
        """Write what was measured, together with what others wrote meanwhile; a disk that refuses costs only time."""
        if not self._has_news:
            return
        known = self._read() | self._known
        rows = {name: cut if cut is None else asdict(cut) for name, cut in sorted(known.items())}
        content = json.dumps({"schema": SCHEMA, "machine": self.machine, "choices": rows}, indent=1).encode()
        fresh, disk = self.file.with_suffix(f".{uuid.uuid4().hex[:8]}"), Disk()
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            try:
                disk.write(fresh, content)
                disk.rename(fresh, self.file)
            finally:
                fresh.unlink(missing_ok=True)

    def _read(self) -> dict[str, Cut | None]:
        try:
            found = json.loads(self.file.read_bytes())
            if found["schema"] != SCHEMA or found["machine"] != self.machine:
                return {}
            return {str(name): None if cut is None else Cut(**cut) for name, cut in found["choices"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}


def cache_folder() -> Path:
    """Where choices are kept if nothing else is said."""
    return platformdirs.user_cache_path("resnets") / "native"


def this_machine() -> dict[str, str | int]:
    """What the speed of a convolution depends on beside its shape."""
    return {
        "processor": _processor(),
        "variant": library.status().variant or "",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "kernels": _kernels_digest(),
        "onednn": os.environ.get("ONEDNN_MAX_CPU_ISA", ""),
    }


def _name(operation: Convolution, shape: tuple[int, ...], *, has_residual: bool) -> str:
    images, channels, height, width = shape
    out, _, size, _ = operation.weight.shape
    ending = "".join(word for word, is_so in ((" + x", has_residual), (", relu", operation.relu)) if is_so)
    step = f"{size}x{size}/{operation.stride[0]} padded {operation.padding[0]}"
    return f"{'one' if images == 1 else 'several'}, {channels}x{height}x{width} -> {out} by {step}{ending}"


@functools.cache
def _kernels_digest() -> str:
    return hashlib.sha256(library.FILE.read_bytes()).hexdigest()[:12] if library.FILE.exists() else ""


@functools.cache
def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "CPU part")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or os.name
