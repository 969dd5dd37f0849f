"""The trained models that come with the package: `resnets predict digits photo.png`."""

from __future__ import annotations

from pathlib import Path

PACKAGED = Path(__file__).parent / "pretrained"
"""Their folder."""


def packaged_names() -> list[str]:
    """Their names."""
    return sorted(place.parent.name for place in PACKAGED.glob("*/config.json"))
