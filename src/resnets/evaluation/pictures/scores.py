"""How well each class is recognised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from resnets.evaluation.pictures.style import Palette, Theme, hide_frame, picture, short
from resnets.evaluation.report import ClassRow

KEEPS_ORDER = 20
"""Up to this many classes stand in their own order; more are sorted, worst first."""
MOST_ROWS = 105
"""Classes that are drawn; of more, the worst."""
COLUMN_ROWS = 35
"""Classes in one column."""


def draw_class_scores(rows: Sequence[ClassRow], stem: Path, theme: Theme = "light") -> None:
    """A bar of F1 per class; the ticks on it are its precision (|) and recall (o)."""
    ordered = rows if len(rows) <= KEEPS_ORDER else sorted(rows, key=lambda row: row.f1)[:MOST_ROWS]
    num_columns = -(-len(ordered) // COLUMN_ROWS)
    height = -(-len(ordered) // num_columns)
    title = "F1 by class" + (", worst first" if len(rows) > KEEPS_ORDER else "")
    if len(rows) > MOST_ROWS:
        title = f"F1 of the {MOST_ROWS} worst of {len(rows):,} classes"
    with picture(stem, 6 if num_columns == 1 else 4 * num_columns, 1.1 + 0.24 * max(height, 4), theme) as (
        figure,
        palette,
    ):
        figure.suptitle(title, x=0.01, ha="left")
        columns = figure.subplots(1, num_columns, squeeze=False)[0]
        for place, axes in enumerate(columns):
            _draw_column(axes, ordered[place * height : (place + 1) * height], height, palette)


def _draw_column(axes: Axes, rows: Sequence[ClassRow], height: int, palette: Palette) -> None:
    hide_frame(axes)
    places = range(len(rows))
    axes.barh(places, [1] * len(rows), height=0.7, color=palette.grid)
    axes.barh(places, [row.f1 for row in rows], height=0.7, color=palette.blue)
    for place, row in enumerate(rows):
        axes.text(1.02, place, f"{row.f1:.3f}", va="center", fontsize=8.5)
    axes.set_yticks(places, [short(row.name, 20) for row in rows])
    axes.set(xlim=(0, 1.18), ylim=(height - 0.5, -0.5), xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="F1 (1 is perfect)")
