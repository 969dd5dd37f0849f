"""One look for every picture: colours, type, and how a picture becomes two files."""

from __future__ import annotations

import io
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from matplotlib import font_manager, style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

from resnets import values
from resnets.storage import explained

Theme = Literal["light", "dark"]

DOTS_PER_INCH = 150
"""Of the PNG: 7.5 inches, the width of a printed page, are 1125 pixels."""
MARGIN = 0.1
"""Inches of background around each part of a picture."""
OTHER_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "SimHei",
)
"""Fonts for class names that DejaVu Sans, which comes with matplotlib, cannot write; used where installed."""


@dataclass(frozen=True)
class Palette:
    """Colours of a theme; blue and orange differ for every kind of colour blindness.      [Okabe 2008]"""

    background: str
    text: str
    muted: str
    grid: str
    blue: str
    """What is right, and validation."""
    orange: str
    """What is wrong, and training."""
    panel: str
    """Behind an empty cell or the rest of a bar."""


LIGHT = Palette(
    background="#ffffff",
    text="#1f2328",
    muted="#59636e",
    grid="#dfe3e8",
    blue="#0072b2",
    orange="#d55e00",
    panel="#f2f4f6",
)
DARK = Palette(
    background="#0d1117",
    text="#e6edf3",
    muted="#9198a1",
    grid="#2a313a",
    blue="#4aa8e8",
    orange="#f08a3c",
    panel="#161c24",
)


@contextmanager
def picture(stem: Path, width: float, height: float, theme: Theme) -> Iterator[tuple[Figure, Palette]]:
    """A blank figure, sizes in inches; when the block ends it is written as `<stem>.png` and `<stem>.svg`.

    Equal pictures are equal bytes. Neither the user's matplotlib settings matter nor are they changed.

    Raises:
        ConfigError: if the theme is unknown.
        ResourceError: if a file cannot be written.
    """
    palette = LIGHT if values.coerce(Theme, theme, "theme") == "light" else DARK
    with style.context(["default", _settings(palette)]), warnings.catch_warnings():
        # A name in a script that no installed font has is drawn as boxes; its picture is still worth having.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        layout = ConstrainedLayoutEngine(w_pad=MARGIN, h_pad=MARGIN)
        figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=layout)
        canvas = FigureCanvasAgg(figure)
        yield figure, palette
        _settle(figure)
        png, svg = io.BytesIO(), io.BytesIO()  # written by their canvases: `savefig` would draw everything once more
        canvas.print_png(png, metadata={"Software": "resnets"})  # type: ignore[no-untyped-call]
        vectors = FigureCanvasSVG(figure)
        vectors.print_svg(svg, metadata={"Creator": "resnets", "Date": None})  # type: ignore[no-untyped-call]
    for ending, content in ((".png", png), (".svg", svg)):
        _write(stem.with_name(stem.name + ending), content.getvalue())


def short(name: str, limit: int) -> str:
    """The name in the room of `limit` Latin letters, its middle left out; what cannot be printed becomes a "?"."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    is_wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in clean)
    room = limit // 2 if is_wide else limit
    if len(clean) <= room:
        return clean
    end = (room - 1) // 2
    return clean[: room - 1 - end] + "…" + clean[len(clean) - end :]


def percent(fraction: float, digits: int = 0) -> str:
    """0.98 as "98 %"."""
    return f"{100 * fraction:.{digits}f} %"


def percent_ticks() -> FuncFormatter:
    """Ticks of an axis of fractions, in percent without needless digits."""
    return FuncFormatter(lambda fraction, _: f"{100 * fraction:.5g} %")


def add_title(axes: Axes, title: str, note: str = "") -> None:
    """What the picture shows, and at the right, smaller, what to know about it."""
    axes.set_title(title)
    axes.set_title(note, loc="right", fontsize=9, fontweight="normal", color=axes.xaxis.label.get_color())


def hide_frame(axes: Axes) -> None:
    """Leave only what is drawn: no frame, no ticks, no grid."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(visible=False)


def _settings(palette: Palette) -> dict[str, Any]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return {
        "font.family": ["DejaVu Sans", *(name for name in OTHER_SCRIPTS if name in installed)],
        "font.size": 9,
        "text.parse_math": False,  # a dollar sign in a class name is a dollar sign
        "text.color": palette.text,
        "figure.facecolor": palette.background,
        "savefig.facecolor": palette.background,
        "axes.facecolor": palette.background,
        "axes.edgecolor": palette.muted,
        "axes.linewidth": 0.8,
        "axes.labelcolor": palette.text,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": palette.grid,
        "grid.linewidth": 0.8,
        "xtick.color": palette.muted,
        "ytick.color": palette.muted,
        "xtick.labelcolor": palette.text,
        "ytick.labelcolor": palette.text,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "lines.linewidth": 1.8,
        "legend.frameon": False,
        "image.composite_image": False,  # an SVG keeps each image's own pixels
        "svg.hashsalt": "resnets",  # names of clip paths: equal pictures are equal files
    }


def _settle(figure: Figure) -> None:
    """Place everything once, for both files: a second pass, as the first moves the ticks that it made room for."""
    for _ in range(2):
        if engine := figure.get_layout_engine():
            engine.execute(figure)
    figure.set_layout_engine("none")


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise explained(error, path, len(content)) from error
