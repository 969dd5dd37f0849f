"""Images beside what the model said of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from torch import Tensor

from resnets.evaluation.pictures.style import Palette, Theme, hide_frame, percent, picture, short
from resnets.evaluation.report import Mistake

MISTAKE_COLUMNS = 5
"""Mistakes side by side."""
ONE_LINE = 22
"""Letters that fit under a mistake; longer captions take two lines."""
PREDICTION_COLUMNS = 3
"""Predictions side by side."""
SMALL_IMAGE = 64
"""Up to this many pixels a side the pixels are shown as squares; larger images are smoothed."""


def draw_mistakes(
    images: Iterable[Tensor],
    mistakes: Sequence[Mistake],
    class_names: Sequence[str],
    stem: Path,
    *,
    num_mistakes: int,
    theme: Theme = "light",
) -> None:
    """The mistakes that the model was surest of, with what is true and what it said.

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
    num_rows = max(1, -(-len(mistakes) // MISTAKE_COLUMNS))
    captions = _captions(mistakes, class_names)
    with picture(stem, 7.5, 0.6 + 1.75 * num_rows if mistakes else 1.4, theme) as (figure, palette):
        figure.suptitle("Worst mistakes", x=0.01, ha="left")
        cells = figure.subplots(num_rows, MISTAKE_COLUMNS, squeeze=False).flatten()
        for axes in cells:
            axes.set_axis_off()
        for axes, image, caption in zip(cells, images, captions, strict=False):
            _show(axes, image)
            axes.set_title(caption, loc="center", fontsize=8, fontweight="normal", pad=4)


def _captions(mistakes: Sequence[Mistake], class_names: Sequence[str]) -> list[str]:
    parts = [
        (
            f"true {short(class_names[each.label], 15)}",
            f"said {short(class_names[each.predicted], 15)} ({percent(each.probability)})",
        )
        for each in mistakes
    ]
    is_long = any(len(true) + len(said) + 2 > ONE_LINE for true, said in parts)
    return [("\n" if is_long else ", ").join(pair) for pair in parts]


def draw_predictions(
    images: Iterable[Tensor],
    answers: Sequence[Sequence[tuple[str, float]]],
    stem: Path,
    *,
    captions: Sequence[str],
    true_names: Sequence[str] | None = None,
    theme: Theme = "light",
) -> None:
    """Images with the classes that the model thinks likeliest, as bars; blue if right or unknown, orange if wrong.

    Args:
        images: uint8 (C, H, W) with 1 or 3 channels, one per answer.
        answers: per image (name, probability), likeliest first.
        stem: the files' path without ending.
        captions: what stands above each image.
        true_names: the true class of each image, where known.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    truths = true_names or [answer[0][0] for answer in answers]
    num_columns = min(PREDICTION_COLUMNS, len(answers))
    num_rows = -(-len(answers) // num_columns)
    with picture(stem, 0.3 + 3 * num_columns, 0.5 + 1.4 * num_rows, theme) as (figure, palette):
        figure.suptitle("Predictions", x=0.01, ha="left")
        cells = figure.subplots(num_rows, 2 * num_columns, squeeze=False, width_ratios=[1, 1] * num_columns).flatten()
        for axes in cells:
            axes.set_axis_off()
        for place, (image, answer, caption, truth) in enumerate(zip(images, answers, captions, truths, strict=True)):
            _show(cells[2 * place], image)
            cells[2 * place].set_title(short(caption, 20), fontsize=8.5, fontweight="normal", pad=4)
            _draw_answer(cells[2 * place + 1], answer, is_right=answer[0][0] == truth, palette=palette)


def _show(axes: Axes, image: Tensor) -> None:
    pixels = image.permute(1, 2, 0).numpy()
    axes.imshow(
        pixels if pixels.shape[2] == 3 else pixels[:, :, 0],
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="none" if max(pixels.shape) <= SMALL_IMAGE else "auto",
    )


def _draw_answer(axes: Axes, answer: Sequence[tuple[str, float]], *, is_right: bool, palette: Palette) -> None:
    axes.set_axis_on()
    hide_frame(axes)
    places = range(len(answer))
    best = palette.blue if is_right else palette.orange
    axes.barh(
        places,
        [probability for _, probability in answer],
        height=0.7,
        color=[best, *[palette.muted] * (len(answer) - 1)],
    )
    for place, (_, probability) in enumerate(answer):
        axes.text(probability + 0.04, place, percent(probability), va="center", fontsize=8)
    axes.set_yticks(places, [short(name, 14) for name, _ in answer])
    axes.set(xlim=(0, 1.4), ylim=(max(len(answer), 3) - 0.4, -0.6), xticks=[])
