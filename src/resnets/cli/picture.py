"""Small pictures in the terminal: two pixels a character where there are colours, shades of ink elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

UPPER_HALF = "▀"
INK = " .:-=+*#%@"
"""From dark to light; each pixel is two characters wide, so that it is nearly square."""
PART_OF_WIDTH = 0.6
"""Of the console's width, for a picture; the rest is for what is said of it."""


def drawn(picture: Tensor, console: Console) -> Text:
    """A picture as text, smaller than it is where the console is too narrow for it.

    Shapes:
        uint8 (C, H, W), grey or colour
    """
    columns = max(1, int(PART_OF_WIDTH * console.width))
    if console.color_system:
        return _coloured(_shrunk(picture, columns))
    return _inked(_shrunk(picture, columns // 2))


def _shrunk(picture: Tensor, width: int) -> Tensor:
    if picture.shape[-1] <= width:
        return picture
    height = max(1, picture.shape[-2] * width // picture.shape[-1])
    return adaptive_avg_pool2d(picture.float(), (height, width)).round().to(picture.dtype)


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
