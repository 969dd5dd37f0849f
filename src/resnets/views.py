"""Test-time augmentation: the changes of an image that a trained network is also shown, as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from resnets import values


@dataclass(frozen=True, kw_only=True)
class Views:
    """What an answer is the mean of: the image as it is, and each of these that is not zero; all zero means none."""

    scale: float = 0.0
    """Also show the image larger and smaller: 0.08 is 1.08 times as large, and divided by 1.08."""
    rotate: float = 0.0
    """Also show the image turned either way, by so many degrees."""
    flip: bool = False
    """Also show each of these mirrored; never for digits or letters."""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("views.scale", self.scale, 0, 0.9)
        values.check_range("views.rotate", self.rotate, 0, 180)

    @property
    def count(self) -> int:
        """Views of an image, and so the times that an answer takes as long."""
        return (1 + 2 * (self.scale > 0) + 2 * (self.rotate > 0)) * (1 + self.flip)
