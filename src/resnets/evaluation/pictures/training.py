"""How a training went: loss and accuracy by epoch, learning rate by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from resnets.evaluation.pictures.style import Palette, Theme, add_title, percent, percent_ticks, picture

PARTS = {"train": "training", "validation": "validation"}
"""Beginning of a key, and its name in the legend."""
FEW_EPOCHS = 30
"""Up to here each epoch gets a dot."""
WIDE_RANGE = 20
"""From this ratio of the largest loss to the smallest on, its axis is logarithmic."""


def draw_training(epochs: Sequence[Mapping[str, Any]], stem: Path, theme: Theme = "light") -> None:
    """Loss and accuracy by epoch, of training and validation; the epoch that was kept is marked.

    Args:
        epochs: one mapping per epoch with `epoch`, `train_loss`, `train_accuracy`, `validation_loss` and
            `validation_accuracy` (fractions); what is None or absent is left out.
        stem: the files' path without ending.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    with picture(stem, 9, 3.6, theme) as (figure, palette):
        losses, accuracies = figure.subplots(1, 2)
        _draw_pair(losses, epochs, "loss", palette)
        losses.set(title="Loss", xlabel="epoch", ylabel="cross-entropy (nats)")
        _scale_losses(losses, [loss for part in PARTS for _, loss in _series(epochs, f"{part}_loss")])
        _draw_pair(accuracies, epochs, "accuracy", palette)
        accuracies.set(title="Accuracy", xlabel="epoch", ylabel="images classified correctly")
        accuracies.yaxis.set_major_formatter(percent_ticks())
        _mark_best(accuracies, epochs, palette)
        for axes in (losses, accuracies):
            axes.xaxis.set_major_locator(_whole_numbers())


def draw_learning_rate(steps: Sequence[tuple[int, float]], stem: Path, theme: Theme = "light") -> None:
    """The learning rate of each step.

    Args:
        steps: (step, learning rate), in order.
        stem: the files' path without ending.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    with picture(stem, 5.5, 3.4, theme) as (figure, palette):
        axes = figure.subplots()
        numbers, rates = zip(*steps, strict=True) if steps else ((), ())
        axes.plot(numbers, rates, color=palette.blue, marker="o" if len(steps) == 1 else "")
        axes.set(title="Learning rate", xlabel="step", ylabel="learning rate")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(_whole_numbers())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))


def _whole_numbers() -> MaxNLocator:
    return MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)


def _draw_pair(axes: Axes, epochs: Sequence[Mapping[str, Any]], quantity: str, palette: Palette) -> None:
    marker = "o" if len(epochs) <= FEW_EPOCHS else ""
    for part, colour, line in zip(PARTS, (palette.orange, palette.blue), ("--", "-"), strict=True):
        if series := _series(epochs, f"{part}_{quantity}"):
            numbers, heights = zip(*series, strict=True)
            axes.plot(numbers, heights, color=colour, linestyle=line, marker=marker, markersize=4, label=PARTS[part])
    if axes.lines:
        axes.legend()


def _series(epochs: Sequence[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    return [(row["epoch"], row[key]) for row in epochs if row.get(key) is not None and math.isfinite(row[key])]


def _scale_losses(axes: Axes, losses: Sequence[float]) -> None:
    if losses and 0 < WIDE_RANGE * min(losses) < max(losses):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))
        axes.minorticks_off()
    else:
        axes.set_ylim(bottom=0)


def _mark_best(axes: Axes, epochs: Sequence[Mapping[str, Any]], palette: Palette) -> None:
    """A ring at the epoch that was kept: the last one that was the one to keep when it ended."""
    if validated := _series([row for row in epochs if row.get("is_best")], "validation_accuracy"):
        epoch, accuracy = validated[-1]
        axes.plot(epoch, accuracy, marker="o", markersize=9, color=palette.blue, fillstyle="none", linestyle="")
        add_title(axes, "Accuracy", f"kept epoch {epoch}, validation {percent(accuracy, 2)}")
