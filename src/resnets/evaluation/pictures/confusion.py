"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from resnets.evaluation.pictures.style import Palette, Theme, hide_frame, picture, short

MOST_COUNTS = 25
"""Up to this many classes each cell shows its number."""
MOST_NAMES = 100
"""Of more classes only every second, third, ... is named."""
SMALL_SHARES = PowerNorm(0.5, vmin=0, vmax=1)
"""Colour by the square root of the share: one mistake in a thousand is still visible."""


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
    side = 2.2 + max(0.44 * len(counts) if len(counts) <= MOST_COUNTS else 0.1 * min(len(counts), 110), 2.2)
    with picture(stem, side + 0.7, side, theme) as (figure, palette):
        axes = figure.subplots()
        hide_frame(axes)
        shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        axes.imshow(_colours(figure, axes, shares, palette), interpolation="none")
        axes.set(title="Confusion matrix", xlabel="predicted class", ylabel="true class")
        _name_classes(axes, class_names)
        if len(counts) <= MOST_COUNTS:
            _write_counts(axes, counts, shares, palette)


def _colours(figure: Figure, axes: Axes, shares: NDArray[np.float64], palette: Palette) -> NDArray[np.float64]:
    """Cells as (K, K, 4) colours, and the two scales beside them."""
    is_right = np.eye(len(shares), dtype=bool)
    colours = np.zeros((*shares.shape, 4))
    for cells, colour, label in (
        (~is_right, palette.orange, "wrong: share of the true class"),
        (is_right, palette.blue, "right: share of the true class"),
    ):
        colourmap = LinearSegmentedColormap.from_list(label, [palette.background, colour])
        colours[cells] = colourmap(SMALL_SHARES(shares[cells]))
        bar = figure.colorbar(
            ScalarMappable(SMALL_SHARES, colourmap),
            ax=axes,
            label=label,
            shrink=0.8,
            aspect=30,
            ticks=[0, 0.01, 0.1, 0.5, 1],
        )
        bar.ax.yaxis.set_major_formatter(PercentFormatter(xmax=1))
        bar.outline.set_visible(False)
    return colours


def _name_classes(axes: Axes, class_names: Sequence[str]) -> None:
    n = len(class_names)
    places = range(0, n, -(-n // MOST_NAMES))
    names = [short(class_names[place], 20) for place in places]
    size = 8.5 if n <= MOST_COUNTS else 6
    axes.set_yticks(places, names, fontsize=size)
    is_short = max(map(len, names)) <= 3 and n <= MOST_COUNTS
    axes.set_xticks(places, names, fontsize=size, rotation=0 if is_short else 90)


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64], palette: Palette) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = palette.background if shares[row, column] > 0.4 else palette.text
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=8, color=colour)
