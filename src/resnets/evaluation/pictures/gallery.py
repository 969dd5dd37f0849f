"""Images beside what the model said of them, laid out in inches on one sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from resnets.evaluation.pictures.style import Palette, Theme, percent, picture, short
from resnets.evaluation.report import Mistake

EDGE = 0.15
"""Inches around the sheet."""
TITLE_HEIGHT = 0.5
"""Inches above the first row."""
LINE_HEIGHT = 0.16
"""Inches of a line of a caption."""
SMALL_IMAGE = 64
"""Up to this many pixels a side the pixels are shown as squares; larger images are smoothed."""

MISTAKE_COLUMNS = 5
MISTAKE_SIDE = 1.3
"""Inches of an image among the mistakes."""
GAP = 0.15
"""Inches between mistakes."""
ONE_LINE = 22
"""Letters that fit above a mistake; longer captions take two lines."""

PREDICTION_COLUMNS = 3
PREDICTION_SIDE = 1.05
"""Inches of an image among the predictions."""
BAR_LENGTH = 1.4
"""Inches of a probability of 1."""
MOST_ANSWERS = 3
"""Bars beside an image."""


def draw_mistakes(
    images: Iterable[Tensor],
    mistakes: Sequence[Mistake],
    class_names: Sequence[str],
    stem: Path,
    *,
    num_mistakes: int,
    theme: Theme = "light",
) -> None:
    """The mistakes that the model was surest of: what is true, what it said, and how sure it was.

    Args:
        images: uint8 (C, H, W) with 1 or 3 channels, one per mistake.
        mistakes: of a report, surest first.
        class_names: one name per class.
        stem: the files' path without ending.
        num_mistakes: mistakes in all, shown or not.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    captions = _captions(mistakes, class_names)
    caption_height = LINE_HEIGHT * (1 + max((caption.count("\n") for caption in captions), default=0))
    cell_width, cell_height = MISTAKE_SIDE + GAP, caption_height + MISTAKE_SIDE + GAP
    num_rows = -(-len(mistakes) // MISTAKE_COLUMNS)
    width = 2 * EDGE + MISTAKE_COLUMNS * cell_width - GAP
    with picture(stem, width, TITLE_HEIGHT + num_rows * cell_height + EDGE, theme) as (figure, _):
        note = f"the surest {len(mistakes)} of {num_mistakes:,}" if mistakes else "no mistakes"
        sheet = _sheet(figure, "Worst mistakes", note)
        for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
            row, column = divmod(place, MISTAKE_COLUMNS)
            left, top = EDGE + column * cell_width, TITLE_HEIGHT + row * cell_height + caption_height
            _show(sheet, image, left, top, MISTAKE_SIDE)
            sheet.text(left, top - 0.04, caption, fontsize=7.5, va="bottom")


def draw_predictions(
    images: Iterable[Tensor],
    answers: Sequence[Sequence[tuple[str, float]]],
    stem: Path,
    *,
    captions: Sequence[str],
    true_names: Sequence[str] | None = None,
    theme: Theme = "light",
) -> None:
    """Images with the classes that the model thinks likeliest; a wrong answer is orange and crossed in its caption.

    Args:
        images: uint8 (C, H, W) with 1 or 3 channels, one per answer.
        answers: per image (name, probability), likeliest first; the first three are drawn.
        stem: the files' path without ending.
        captions: what stands above each image.
        true_names: the true class of each image, where known.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    cell_width, cell_height = PREDICTION_SIDE + BAR_LENGTH + 0.5, LINE_HEIGHT + PREDICTION_SIDE + 0.25
    num_columns = max(1, min(PREDICTION_COLUMNS, len(answers)))
    width = 2 * EDGE + num_columns * cell_width - 0.3
    with picture(stem, width, TITLE_HEIGHT + -(-len(answers) // num_columns) * cell_height, theme) as (figure, palette):
        sheet = _sheet(figure, "Predictions", "")
        for place, (image, answer, caption) in enumerate(zip(images, answers, captions, strict=True)):
            row, column = divmod(place, num_columns)
            left, top = EDGE + column * cell_width, TITLE_HEIGHT + row * cell_height + LINE_HEIGHT
            is_right = None if true_names is None else true_names[place] == answer[0][0]
            mark = {None: "", True: " ✓", False: " ✗"}[is_right]
            _show(sheet, image, left, top, PREDICTION_SIDE)
            sheet.text(left, top - 0.04, short(caption, 34) + mark, fontsize=8, va="bottom")
            best = palette.orange if is_right is False else palette.blue
            _draw_answer(sheet, answer[:MOST_ANSWERS], left + PREDICTION_SIDE + 0.15, top, best, palette)


def _captions(mistakes: Sequence[Mistake], class_names: Sequence[str]) -> list[str]:
    """As "true 4, said 9 (98 %)"; all in two lines if one of them is long."""
    parts = [
        (
            f"true {short(class_names[each.label], 15)}",
            f"said {short(class_names[each.predicted], 10)} ({percent(each.probability)})",
        )
        for each in mistakes
    ]
    is_long = any(len(true) + len(said) + 2 > ONE_LINE for true, said in parts)
    return [("\n" if is_long else ", ").join(pair) for pair in parts]


def _sheet(figure: Figure, title: str, note: str) -> Axes:
    """The whole picture as one drawing area, measured in inches from its upper left corner."""
    figure.set_layout_engine("none")
    width, height = figure.get_size_inches()
    sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    sheet.set_axis_off()
    sheet.text(EDGE, 0.3, title, fontsize=11, fontweight="bold")
    sheet.text(width - EDGE, 0.3, note, fontsize=9, ha="right")
    return sheet


def _show(sheet: Axes, image: Tensor, left: float, top: float, side: float) -> None:
    """The image within a square, its longer side filling it."""
    pixels = image.permute(1, 2, 0).numpy()
    height, width = (side * length / max(pixels.shape[:2]) for length in pixels.shape[:2])
    sheet.imshow(
        pixels if pixels.shape[2] == 3 else pixels[:, :, 0],
        cmap="gray",
        vmin=0,
        vmax=255,
        extent=(left, left + width, top + height, top),
        aspect="auto",
        interpolation="none" if max(pixels.shape) <= SMALL_IMAGE else "auto",
    )


def _draw_answer(
    sheet: Axes, answer: Sequence[tuple[str, float]], left: float, top: float, best: str, palette: Palette
) -> None:
    for place, (name, probability) in enumerate(answer):
        middle = top + PREDICTION_SIDE * (place + 0.5) / MOST_ANSWERS
        sheet.text(left, middle, short(name, 15), fontsize=8, va="baseline")
        sheet.text(left + BAR_LENGTH, middle, percent(probability), fontsize=8, va="baseline", ha="right")
        for length, colour in ((1.0, palette.panel), (probability, palette.muted if place else best)):
            sheet.barh(middle + 0.08, length * BAR_LENGTH, height=0.07, left=left, color=colour)
