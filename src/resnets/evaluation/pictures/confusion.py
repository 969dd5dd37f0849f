"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, PowerNorm, to_rgba
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
DARK_CELL = 0.3
"""From this share on, a cell's number has the background's colour."""


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
        blues, oranges = _colours("right", palette.blue, palette), _colours("wrong", palette.orange, palette)
        axes.imshow(_cells(shares, blues, oranges, palette), interpolation="none")
        axes.set(xlabel="predicted class", ylabel="true class")
        add_title(axes, "Confusion matrix", f"{counts.sum():,} images")
        _name_classes(axes, names)
        if has_counts:
            _write_counts(axes, counts, shares, palette)
        else:
            _add_scales(figure, axes, {"right": blues, "wrong": oranges})


def _scale() -> PowerNorm:
    """Colour by the square root of the share: one image in a thousand is still visible."""
    return PowerNorm(0.5, vmin=0, vmax=1)


def _colours(name: str, strongest: str, palette: Palette) -> Colormap:
    """From a tint that stands out from an empty cell to the full colour."""
    background, colour = np.array(to_rgba(palette.panel)), np.array(to_rgba(strongest))
    return LinearSegmentedColormap.from_list(name, [0.85 * background + 0.15 * colour, colour])


def _cells(shares: NDArray[np.float64], blues: Colormap, oranges: Colormap, palette: Palette) -> NDArray[np.float64]:
    """Colours (K, K, 4): the diagonal is right, the rest wrong, and what never happened is the panel."""
    is_right = np.eye(len(shares), dtype=bool)
    colours: NDArray[np.float64] = np.where(is_right[:, :, None], blues(_scale()(shares)), oranges(_scale()(shares)))
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


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64], palette: Palette) -> None:
    edges = np.arange(len(counts) + 1) - 0.5
    axes.hlines(edges, edges[0], edges[-1], color=palette.background, linewidth=1.5)
    axes.vlines(edges, edges[0], edges[-1], color=palette.background, linewidth=1.5)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = palette.background if shares[row, column] > DARK_CELL else palette.text
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=8, color=colour)


def _add_scales(figure: Figure, axes: Axes, scales: dict[str, Colormap]) -> None:
    room = SCALES_WIDTH / figure.get_size_inches()[0]
    figure.set_layout_engine("constrained", w_pad=MARGIN, h_pad=MARGIN, rect=(0, 0, 1 - room, 1))
    for place, (name, colours) in enumerate(scales.items()):
        box = axes.inset_axes((1.02 + 0.09 * place, 0.6, 0.02, 0.4))
        box.set_in_layout(False)
        bar = figure.colorbar(ScalarMappable(_scale(), colours), cax=box, ticks=[0, 0.01, 0.1, 0.25, 0.5, 1])
        bar.outline.set_visible(False)
        box.yaxis.set_major_formatter(percent_ticks())
        box.set_title(name, fontsize=8.5, fontweight="normal", pad=6)
        box.tick_params(labelsize=7.5)
