"""Small pictures in the terminal: two pixels a character where there are colours, shades of ink elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text
from torch import Tensor

UPPER_HALF = "▀"
INK = " .:-=+*#%@"
"""From dark to light; each pixel is two characters wide, so that it is nearly square."""


def drawn(picture: Tensor, console: Console) -> Text:
    """A picture as text.

    Shapes:
        uint8 (C, H, W), grey or colour
    """
    return _coloured(picture) if console.color_system else _inked(picture)


def _coloured(picture: Tensor) -> Text:
    """Each character is an upper pixel, as its colour, on a lower pixel, as its background."""
    colours = picture.expand(3, -1, -1).permute(1, 2, 0).tolist()
    text = Text()
    for row in range(0, len(colours), 2):
        lower_row = colours[row + 1] if row + 1 < len(colours) else [[0, 0, 0]] * len(colours[row])
        for upper, lower in zip(colours[row], lower_row, strict=True):
            text.append(
                UPPER_HALF, style=f"rgb({upper[0]},{upper[1]},{upper[2]}) on rgb({lower[0]},{lower[1]},{lower[2]})"
            )
        text.append("\n")
    return text


def _inked(picture: Tensor) -> Text:
    shades = (picture.float().mean(0) * (len(INK) - 1) / 255).round().int().tolist()
    return Text("\n".join("".join(INK[shade] * 2 for shade in row).rstrip() for row in shades))
