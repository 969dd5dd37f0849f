"""How well each class is recognised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from resnets.evaluation.pictures.style import Palette, Theme, add_title, hide_frame, picture, short
from resnets.evaluation.report import ClassRow

KEEPS_ORDER = 20
"""Up to this many classes stand in their own order; more are sorted, worst first."""
MOST_ROWS = 105
"""Classes that are drawn; of more, the worst."""
COLUMN_ROWS = 35
"""Classes in one column."""


def draw_class_scores(rows: Sequence[ClassRow], stem: Path, theme: Theme = "light") -> None:
    """A bar of F1 per class, from 0 to 1; where there are many classes, the worst first.

    Args:
        rows: of a report.
        stem: the files' path without ending.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    ordered = rows if len(rows) <= KEEPS_ORDER else sorted(rows, key=lambda row: row.f1)[:MOST_ROWS]
    num_columns = -(-len(ordered) // COLUMN_ROWS)
    num_rows = -(-len(ordered) // num_columns)
    with picture(stem, max(5.5, 3.4 * num_columns), 1.1 + 0.24 * num_rows, theme) as (figure, palette):
        columns = figure.subplots(1, num_columns, squeeze=False)[0]
        for place, axes in enumerate(columns):
            _draw_column(axes, ordered[place * num_rows : (place + 1) * num_rows], num_rows, palette)
        add_title(columns[0], _title(len(rows)))


def _title(num_classes: int) -> str:
    if num_classes <= KEEPS_ORDER:
        return "F1 by class"
    return f"F1 of the {MOST_ROWS} worst of {num_classes:,} classes" if num_classes > MOST_ROWS else "F1, worst first"


def _draw_column(axes: Axes, rows: Sequence[ClassRow], num_rows: int, palette: Palette) -> None:
    hide_frame(axes)
    places = range(len(rows))
    axes.barh(places, [1] * len(rows), height=0.7, color=palette.panel)
    axes.barh(places, [row.f1 for row in rows], height=0.7, color=palette.blue)
    for place, row in enumerate(rows):
        axes.text(1.02, place, f"{row.f1:.3f}", va="center", fontsize=8.5)
    axes.set_yticks(places, [short(row.name, 20) for row in rows])
    axes.set(xlim=(0, 1.15), ylim=(num_rows - 0.5, -0.5), xlabel="F1 (1 is perfect)")
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
