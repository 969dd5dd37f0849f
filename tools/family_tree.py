"""Write docs/variants.md and its picture from docs/variants.yaml and the kept counts: python tools/family_tree.py

The page has for every network its idea, equation, code, cost and published error. The picture has a line for each,
oldest first; networks that others build on have a track of their own, along which these hang.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

import yaml
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve

from resnets import values
from resnets.evaluation.pictures.style import Palette, Theme, picture

ROOT = Path(__file__).parent.parent
DATA = ROOT / "docs" / "variants.yaml"
GOLDEN = ROOT / "src" / "resnets" / "models" / "catalogue" / "counts.json"
PAGE = ROOT / "docs" / "variants.md"
PICTURES: Mapping[Theme, Path] = {
    "light": ROOT / "docs" / "pictures" / "family-tree",
    "dark": ROOT / "docs" / "pictures" / "family-tree-dark",
}

ABOUT = """\
# The residual network and its relatives

What each network changed, how a unit reads as an equation, where it is in the code, what it costs, and the error that
was published for it. `resnets show NAME` prints the units of one, `resnets compare NAME NAME` compares several.

<picture>
  <source media="(prefers-color-scheme: dark)" srcset="pictures/family-tree-dark.svg">
  <img src="pictures/family-tree.svg" alt="The networks of this page by year, joined to what they build on" width="640">
</picture>

A source in brackets, and its year, are those of [paper-map.md](paper-map.md). Files are below `src/resnets/`. In
equations, W * x is a convolution and W x one of 1x1, F is the branch of a unit, and [a, b] sets channels side by side.

Parameters and multiply-adds (MACs, of convolutions and linear layers; 1 MAC = 2 FLOPs) are our own count, for one image
of the size given. Errors are in percent, top-1 / top-5 on ImageNet's validation images, as the source printed them:
recipes and crops differ, so that only those of one source compare the networks alone. A dash: none known for this
network.
"""
FOOT = """\
This page and its picture are written by `python tools/family_tree.py` from [variants.yaml](variants.yaml).
"""


@dataclass(frozen=True)
class Cost:
    """A network of the catalogue, and the error published for it."""

    entry: str
    error: str = "-"
    test: str = ""
    source: str = ""


@dataclass(frozen=True)
class Member:
    """One of the family."""

    name: str
    short: str
    source: str
    parents: tuple[str, ...]
    joins: Literal["add", "beside", "both", "neither"]
    idea: str
    equation: str
    files: tuple[str, ...]
    networks: tuple[Cost, ...]
    settings: str = ""
    """Settings of the spec that make it."""

    @property
    def year(self) -> int:
        """When its source appeared."""
        return int(self.source.split()[-1])


def read() -> dict[str, list[Member]]:
    """The members of each group, in the order of the page."""
    groups = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return {
        group["group"]: [values.coerce(Member, member, member["name"]) for member in group["members"]]
        for group in groups
    }


# The page


def page(groups: Mapping[str, Sequence[Member]]) -> str:
    """The text of docs/variants.md."""
    counts = json.loads(GOLDEN.read_text(encoding="utf-8"))
    sections = [_section(title, members, counts) for title, members in groups.items()]
    return "\n".join([ABOUT, *sections, FOOT])


def _section(title: str, members: Sequence[Member], counts: Mapping[str, Any]) -> str:
    heads = ("network", "name here", "image", "parameters", "MACs", "published error, %")
    rows = [_row(member, cost, counts[cost.entry]) for member in members for cost in member.networks]
    table = [heads, ("---", "---", "---", "---:", "---:", "---"), *rows]
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([f"## {title}", "", *map(_paragraph, members), "", *lines, ""])


def _paragraph(member: Member) -> str:
    settings = f" (`{member.settings}`)" if member.settings else ""
    first, *others = (f"`{file}`" for file in member.files)
    idea = fill(f"- **{member.name}** [{member.source}]. {member.idea}", 126, subsequent_indent="  ")
    return "\\\n  ".join([idea, f"`{member.equation}`", ", ".join([first + settings, *others])])


def _row(member: Member, cost: Cost, count: Mapping[str, Any]) -> tuple[str, ...]:
    error = f"{cost.error} ({cost.test}) [{cost.source}]" if cost.test else cost.error
    image = "x".join(map(str, count["input_shape"]))
    return member.name, f"`{cost.entry}`", image, f"{count['parameters']:,}", f"{count['macs']:,}", error


# The picture: rows from the top, tracks from the left, in units of one row and one track

WIDTH = 4.65
"""Inches. Narrow, so that a telephone need not shrink it much."""
ROW, TRACK = 0.235, 0.2
"""Inches."""
LEFT, TEXT, SHORT = -2.3, 5.0, 11.1
"""Where years, names, and the few words that say what is new begin, in tracks from the first."""
ASIDE = 0.5
"""How far from its parent's track a network without descendants is."""
HEAD = 4.6
"""Rows for title and legend."""
KINDS = {
    "neither": "one layer after the other",
    "add": "a unit adds to what it is given",
    "beside": "a unit sets branches side by side",
    "both": "both",
}


@dataclass(frozen=True)
class Place:
    """Where a network is."""

    row: int
    track: float


def in_order(members: Sequence[Member]) -> list[Member]:
    """By year; within one, parents come first."""
    order: list[Member] = []
    waiting = sorted(members, key=lambda member: member.year)
    while waiting:
        done = {member.name for member in order}
        ready = next(member for member in waiting if done.issuperset(member.parents))
        order.append(ready)
        waiting.remove(ready)
    return order


def places(order: Sequence[Member]) -> dict[str, Place]:
    """A row for each, and a track for each that has descendants.

    The last child to have a track goes on along its parent's; any other takes the first track that is free until its
    own last child. A network without descendants stands beside the track of its first parent.
    """
    rows = {member.name: row for row, member in enumerate(order)}
    ends = {member.name: max(_children(member, order, rows), default=-1) for member in order}
    found: dict[str, Place] = {}
    taken: list[int] = []
    for row, member in enumerate(order):
        parent = found.get(member.parents[0]) if member.parents else None
        if ends[member.name] < 0 and parent:
            found[member.name] = Place(row, parent.track + ASIDE)
            continue
        goes_on = parent is not None and ends[member.parents[0]] == row
        track = (
            int(parent.track)
            if parent and goes_on
            else next((track for track, end in enumerate(taken) if end < row), len(taken))
        )
        taken += [-1] * (track + 1 - len(taken))
        taken[track] = ends[member.name]
        found[member.name] = Place(row, track)
    return found


def _children(member: Member, order: Sequence[Member], rows: Mapping[str, int]) -> Iterator[int]:
    return (rows[other.name] for other in order if member.name in other.parents)


def draw(members: Sequence[Member], stem: Path, theme: Theme) -> None:
    """The picture, as PNG and SVG."""
    order = in_order(members)
    found = places(order)
    height = (len(order) + HEAD) * ROW
    with picture(stem, WIDTH, height, theme) as (figure, palette):
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(LEFT - 0.6, LEFT - 0.6 + WIDTH / TRACK), ylim=(len(order), -HEAD))
        _head(axes, palette)
        for member in order:
            _write(axes, member, found[member.name], palette)
            for number, parent in enumerate(member.parents):
                _join(axes, found[parent], found[member.name], palette, is_first=number == 0)
        _write_years(axes, order, palette)
        for member in order:
            _dot(axes, found[member.name].track, found[member.name].row, member.joins, palette)


def _head(axes: Axes, palette: Palette) -> None:
    axes.text(LEFT, -HEAD + 0.8, "The residual network and its relatives", fontsize=11, fontweight="bold", va="center")
    for number, (kind, meaning) in enumerate(KINDS.items()):
        x, y = LEFT + 0.3 + 11.6 * (number % 2), -HEAD + 1.9 + number // 2
        _dot(axes, x, y, kind, palette)
        axes.text(x + 0.6, y, meaning, fontsize=8, va="center", color=palette.muted)


def _write(axes: Axes, member: Member, place: Place, palette: Palette) -> None:
    axes.plot([place.track, TEXT - 0.15], [place.row] * 2, color=palette.grid, linewidth=0.8, zorder=0)
    weight = "bold" if member.name == "ResNet" else "normal"
    axes.text(TEXT, place.row, member.name, fontsize=9.5, va="center_baseline", fontweight=weight)
    axes.text(SHORT, place.row, member.short, fontsize=8, va="center_baseline", color=palette.muted)


def _write_years(axes: Axes, order: Sequence[Member], palette: Palette) -> None:
    years = [member.year for member in order]
    for year in sorted(set(years)):
        axes.text(LEFT, years.index(year), str(year), fontsize=8.5, va="center_baseline", color=palette.muted)


def _join(axes: Axes, parent: Place, child: Place, palette: Palette, *, is_first: bool) -> None:
    """Down the parent's track, then over to the child in the last row; dashed from a further parent."""
    above = max(parent.row, child.row - 1)
    points: list[tuple[float, float]] = [(parent.track, parent.row), (parent.track, above)]
    points += [(parent.track, child.row - 0.3), (child.track, child.row - 0.6), (child.track, child.row)]
    path = PathPatch(
        Curve(points, [Curve.MOVETO, Curve.LINETO, *[Curve.CURVE4] * 3]),
        fill=False,
        edgecolor=palette.muted,
        linewidth=1.3 if is_first else 1,
        linestyle="-" if is_first else (0, (2, 1.5)),
        zorder=2 if is_first else 1,
    )
    axes.add_patch(path)


def _dot(axes: Axes, x: float, y: float, joins: str, palette: Palette) -> None:
    left, right = {
        "neither": (palette.muted, palette.muted),
        "add": (palette.blue, palette.blue),
        "beside": (palette.orange, palette.orange),
        "both": (palette.blue, palette.orange),
    }[joins]
    style = "full" if left == right else "left"
    axes.plot([x], [y], "o", color=palette.background, markersize=10, zorder=3)
    axes.plot(
        [x], [y], "o", color=left, fillstyle=style, markerfacecoloralt=right, markersize=8, markeredgewidth=0, zorder=4
    )


if __name__ == "__main__":
    family = read()
    PAGE.write_text(page(family), encoding="utf-8")
    for theme, stem in PICTURES.items():
        draw([member for members in family.values() for member in members], stem, theme)
