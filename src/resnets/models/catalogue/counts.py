"""What every network of the catalogue costs, counted once and kept: listing them must not build them.

`python tools/count_catalogue.py` counts anew; a test compares.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

COUNTS = Path(__file__).with_name("counts.json")


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One network of the catalogue."""

    name: str
    depth: int
    """Weight layers on the main path, as the papers count them."""
    input_shape: tuple[int, ...]
    """(channels, height, width) of the image that it is counted at."""
    parameters: int
    macs: int
    """Multiply-adds for one image; half the FLOPs."""
    activations: int
    """Numbers put out by convolutions, max-pools and linear layers for one image."""


def counted() -> dict[str, Overview]:
    """Every network of the catalogue by name, in its order, as it was counted."""
    rows = json.loads(COUNTS.read_text(encoding="utf-8"))
    return {
        name: Overview(name=name, **(row | {"input_shape": tuple(row["input_shape"])})) for name, row in rows.items()
    }
