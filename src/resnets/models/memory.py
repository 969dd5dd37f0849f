"""Whether a network fits into this machine at all, asked before its memory is touched."""

from __future__ import annotations

import os

from resnets.errors import ResourceError

BYTES_PER_PARAMETER = 4


def check_fits(parameters: int) -> None:
    """Refuse to make room for more numbers than the machine's memory holds.

    Raises:
        ResourceError: with the number of parameters and both sizes.
    """
    needed, present = parameters * BYTES_PER_PARAMETER, memory_bytes()
    if needed > present:
        raise ResourceError(
            f"{parameters:,} parameters need {needed / 2**30:,.1f} GiB of memory, but this machine has "
            f"{present / 2**30:,.1f} GiB: choose a smaller width or fewer blocks."
        )


def memory_bytes() -> float:
    """The machine's memory in bytes, or infinity where the system does not say."""
    if not hasattr(os, "sysconf"):
        return float("inf")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
