"""Whether a model is as often right as it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from resnets.evaluation.metrics import wilson_interval
from resnets.evaluation.pictures.style import Palette, Theme, add_title, percent, percent_ticks, picture
from resnets.evaluation.report import Bin

BAR_WIDTH = 0.9
"""Part of a bin that its bar fills."""


def draw_reliability(bins: Sequence[Bin], calibration_error: float, stem: Path, theme: Theme = "light") -> None:
    """The reliability diagram: accuracy by confidence, above the number of images.      [Guo 2017, Figure 1]

    A bar that ends below the dashed line is overconfident. Whiskers are the 95 % interval of each accuracy.

    Args:
        bins: of a report.
        calibration_error: of a report.
        stem: the files' path without ending.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    with picture(stem, 5, 5.4, theme) as (figure, palette):
        accuracies, images = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        _draw_accuracies(accuracies, bins, palette)
        accuracies.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
        add_title(accuracies, "Reliability", f"expected calibration error {percent(calibration_error, 2)}")
        figure.legend(loc="outside lower center", ncols=3)
        _draw_images(images, bins, palette)
        images.set(xlabel="confidence: probability of the predicted class", ylabel="images")
        accuracies.yaxis.set_major_formatter(percent_ticks())
        images.xaxis.set_major_formatter(percent_ticks())


def _draw_accuracies(axes: Axes, bins: Sequence[Bin], palette: Palette) -> None:
    filled = [
        (each, each.confidence, each.accuracy)
        for each in bins
        if each.confidence is not None and each.accuracy is not None
    ]
    middles = [(each.low + each.high) / 2 for each, _, _ in filled]
    accuracies = [accuracy for _, _, accuracy in filled]
    gaps = [confidence - accuracy for _, confidence, accuracy in filled]
    ends = [wilson_interval(round(accuracy * each.count), each.count) for each, _, accuracy in filled]
    width = BAR_WIDTH / len(bins)
    axes.bar(middles, accuracies, width=width, color=palette.blue, label="accuracy")
    axes.bar(
        middles,
        gaps,
        width=width,
        bottom=accuracies,
        facecolor="none",
        edgecolor=palette.orange,
        hatch="////",
        linewidth=0.8,
        label="gap to confidence",
    )
    axes.plot([0, 1], [0, 1], color=palette.text, linestyle="--", linewidth=1.2, label="perfect calibration")
    axes.vlines(middles, [low for low, _ in ends], [high for _, high in ends], color=palette.text, linewidth=1)


def _draw_images(axes: Axes, bins: Sequence[Bin], palette: Palette) -> None:
    middles = [(each.low + each.high) / 2 for each in bins]
    axes.bar(middles, [each.count for each in bins], width=BAR_WIDTH / len(bins), color=palette.muted)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    axes.minorticks_off()
