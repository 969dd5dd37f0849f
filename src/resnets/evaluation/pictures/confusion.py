"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, PowerNorm, to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from resnets.evaluation.pictures.style import (
    MARGIN,
    Palette,
    Theme,
    add_title,
    hide_frame,
    percent_ticks,
    picture,
    short,
)

MOST_COUNTS = 25
"""Up to this many classes each cell shows its number."""
MOST_NAMES = 100
"""Of more classes only every second, third, ... is named."""
SCALES_WIDTH = 1.6
"""Inches beside the matrix for the scales of its colours, where cells have no numbers."""
BRIGHTNESS = (0.299, 0.587, 0.114)
"""What red, green and blue add to the brightness that the eye sees.      [ITU-R BT.601]"""


def draw_confusion(
    confusion: Sequence[Sequence[int]], class_names: Sequence[str], stem: Path, theme: Theme = "light"
) -> None:
    """The confusion matrix: numbers are images, colours their share of the true class; blue is right, orange is wrong.

    Args:
        confusion: images of each true class (row) given each class (column).
        class_names: one name per class.
        stem: the files' path without ending.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    counts = np.asarray(confusion)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    names = [short(name, 20) for name in class_names]
    has_counts = len(counts) <= MOST_COUNTS
    side = max(2.6, 0.46 * len(counts)) if has_counts else 8.5
    height = side + 0.9 + 0.075 * max(map(len, names))
    width = height - 0.3 + (0 if has_counts else SCALES_WIDTH)
    with picture(stem, width, height, theme) as (figure, palette):
        axes = figure.subplots()
        hide_frame(axes)
        right = _Scale("right", 1, palette.blue, palette)
        wrong = _Scale("wrong", _most_wrong(shares), palette.orange, palette)
        cells = _cells(shares, right, wrong, palette)
        axes.imshow(cells, interpolation="none")
        axes.set(xlabel="predicted class", ylabel="true class")
        add_title(axes, "Confusion matrix", f"{counts.sum():,} images")
        _name_classes(axes, names)
        if has_counts:
            _write_counts(axes, counts, cells, palette)
        else:
            _add_scales(figure, axes, [right, wrong])


class _Scale:
    """From share to colour, by its square root: one image in a thousand still stands out from an empty cell."""

    def __init__(self, name: str, top: float, strongest: str, palette: Palette) -> None:
        empty, full = np.array(to_rgba(palette.panel)), np.array(to_rgba(strongest))
        self.name = name
        self.norm = PowerNorm(0.5, vmin=0, vmax=top)
        self.colours = LinearSegmentedColormap.from_list(name, [0.88 * empty + 0.12 * full, full])
        self.ticks = [tick for tick in (0, 0.01, 0.05, 0.1, 0.25, 0.5, 1) if tick <= top]


def _most_wrong(shares: NDArray[np.float64]) -> float:
    """The top of the scale of mistakes: their largest share, or a tenth where all are rarer."""
    mistakes = shares * (1 - np.eye(len(shares)))
    return max(0.1, float(mistakes.max()))


def _cells(shares: NDArray[np.float64], right: _Scale, wrong: _Scale, palette: Palette) -> NDArray[np.float64]:
    """Colours (K, K, 4): the diagonal is right, the rest wrong, and what never happened is the panel."""
    on_diagonal = np.eye(len(shares), dtype=bool)[:, :, None]
    colours: NDArray[np.float64] = np.where(
        on_diagonal, right.colours(right.norm(shares)), wrong.colours(wrong.norm(shares).clip(max=1))
    )
    colours[shares == 0] = to_rgba(palette.panel)
    return colours


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    n = len(names)
    places = range(0, n, -(-n // MOST_NAMES))
    size = 8.5 if n <= MOST_COUNTS else 7 if n <= 60 else 5.5
    named = [names[place] for place in places]
    is_short = max(map(len, named)) <= 3 and n <= MOST_COUNTS
    axes.set_yticks(places, named, fontsize=size)
    axes.set_xticks(places, named, fontsize=size, rotation=0 if is_short else 90)


def _write_counts(axes: Axes, counts: NDArray[np.int64], cells: NDArray[np.float64], palette: Palette) -> None:
    edges = np.arange(len(counts) + 1) - 0.5
    axes.hlines(edges, edges[0], edges[-1], color=palette.background, linewidth=1.5)
    axes.vlines(edges, edges[0], edges[-1], color=palette.background, linewidth=1.5)
    inks = (palette.background, palette.text)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            contrasts = [abs(_brightness(to_rgba(ink)) - _brightness(cells[row, column])) for ink in inks]
            ink = inks[int(np.argmax(contrasts))]
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=8, color=ink)


def _brightness(colour: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.dot(colour[:3], BRIGHTNESS))


def _add_scales(figure: Figure, axes: Axes, scales: Sequence[_Scale]) -> None:
    room = SCALES_WIDTH / figure.get_size_inches()[0]
    figure.set_layout_engine("constrained", w_pad=MARGIN, h_pad=MARGIN, rect=(0, 0, 1 - room, 1))
    for place, scale in enumerate(scales):
        box = axes.inset_axes((1.02 + 0.09 * place, 0.6, 0.02, 0.4))
        box.set_in_layout(False)
        bar = figure.colorbar(ScalarMappable(scale.norm, scale.colours), cax=box, ticks=scale.ticks)
        bar.outline.set_visible(False)
        box.yaxis.set_major_formatter(percent_ticks())
        box.set_title(scale.name, fontsize=8.5, fontweight="normal", pad=6)
        box.tick_params(labelsize=7.5)
