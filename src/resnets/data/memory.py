"""How much memory is free, asked before a lot of it is taken."""

from __future__ import annotations

import os
from pathlib import Path

from resnets.errors import ResourceError

MARGIN = 0.9
"""Part of the free memory that one data set may take; the network needs some too."""


def check_memory(needed: int, what: str) -> None:
    """Refuse to take more memory than is free; better than being killed by the system halfway.

    Raises:
        ResourceError: with both numbers and what to do.
    """
    free = free_bytes()
    if free is not None and needed > MARGIN * free:
        raise ResourceError(
            f"{what} would take {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free. "
            "Choose a smaller --size, or fewer images."
        )


def free_bytes() -> int | None:
    """Memory that can still be taken; None where the system does not tell."""
    limits = [limit for limit in (_free_in_machine(), _free_in_container()) if limit is not None]
    return min(limits, default=None)


def _free_in_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return _physical_memory()


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def _free_in_container(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    try:
        limit, used = ((folder / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
        return None if limit == "max" else int(limit) - int(used)
    except (OSError, ValueError):
        return None
