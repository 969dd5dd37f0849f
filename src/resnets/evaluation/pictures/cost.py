"""What networks cost, against their depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from resnets.evaluation.pictures.style import Palette, Theme, add_title, picture, short

LARGEST = 1200
"""Area of the largest circle, in square points."""
LOG_FROM = 30
"""Ratio of the largest to the smallest figure from which an axis is logarithmic."""
LONGEST_NAME = 24
LINE = 11
"""Points from one name to the next."""
DOT = 8
"""Pixels around the middle of a circle that are kept free of names."""


@dataclass(frozen=True)
class Cost:
    """One network of the picture."""

    name: str
    depth: int
    macs: int
    parameters: int


def draw_cost(costs: Sequence[Cost], stem: Path, theme: Theme = "light") -> None:
    """Multiply-adds for one image against weight layers; the area of a circle is the number of parameters.

    Args:
        costs: the networks.
        stem: the files' path without ending.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    with picture(stem, 7.5, 4.6, theme) as (figure, palette):
        axes = figure.subplots()
        most = max(cost.parameters for cost in costs)
        by_size = sorted(costs, key=lambda cost: -cost.parameters)
        axes.scatter(
            [cost.depth for cost in by_size],
            [cost.macs / 1e9 for cost in by_size],
            [LARGEST * cost.parameters / most for cost in by_size],
            color=palette.blue,
            alpha=0.35,
            edgecolors=palette.blue,
            clip_on=False,
        )
        axes.scatter([cost.depth for cost in costs], [cost.macs / 1e9 for cost in costs], 9, color=palette.blue)
        _scale(axes, costs)
        axes.set(
            xlabel="depth: weight layers on the main path", ylabel="G multiply-adds for one image (1 MAC = 2 FLOPs)"
        )
        add_title(axes, "Cost against depth", f"area: parameters; the largest is {most / 1e6:,.1f} M")
        _name(figure, axes, costs, palette)


def _scale(axes: Axes, costs: Sequence[Cost]) -> None:
    depths, macs = [cost.depth for cost in costs], [cost.macs for cost in costs]
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axes.margins(0.16, 0.18)
    if max(depths) > LOG_FROM * min(depths):
        axes.set_xscale("log")
    else:
        axes.set_xlim(left=0, right=1.3 * max(depths))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if max(macs) > LOG_FROM * min(macs):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0, top=1.2 * max(macs) / 1e9)
    axes.xaxis.set_major_formatter(plain)
    axes.yaxis.set_major_formatter(plain)


def _name(figure: Figure, axes: Axes, costs: Sequence[Cost], palette: Palette) -> None:
    """A name beside each circle, moved up or down until it covers no other, and no circle's middle."""
    figure.draw_without_rendering()
    area = axes.get_window_extent()
    middles = axes.transData.transform([(cost.depth, cost.macs / 1e9) for cost in costs])
    placed = [Bbox.from_extents(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in middles]
    most = max(cost.parameters for cost in costs)
    for cost in sorted(costs, key=lambda cost: -cost.macs):
        beside = math.sqrt(LARGEST * cost.parameters / most / math.pi) + 4
        for shift in sorted(range(-40 * LINE, 41 * LINE, LINE), key=lambda shift: (abs(shift), shift)):
            label = axes.annotate(
                short(cost.name, LONGEST_NAME),
                (cost.depth, cost.macs / 1e9),
                (beside if shift == 0 else beside + LINE, shift),
                textcoords="offset points",
                va="center",
                arrowprops={"arrowstyle": "-", "color": palette.muted, "lw": 0.6, "shrinkB": 2} if shift else None,
            )
            label.update_positions(figure.canvas.get_renderer())  # type: ignore[attr-defined]  # Agg's, which has one
            box = Text.get_window_extent(label)
            if area.y0 < box.y0 and box.y1 < area.y1 and not any(box.overlaps(other) for other in placed):
                break
            label.remove()
        placed.append(box)
