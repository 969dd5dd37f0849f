"""The pictures of a run: what was learned, how fast, and where it still errs."""

from __future__ import annotations

import json
from typing import Any

from resnets.data.imageset import ImageSet
from resnets.evaluation.pictures import draw_learning_rate, draw_report, draw_training
from resnets.evaluation.report import Report
from resnets.recipe import Recipe
from resnets.runs.folder import RunFolder
from resnets.training.schedule import learning_rate

MOST_POINTS = 500
"""Points of the learning-rate curve; more could not be told apart."""


def draw_run(folder: RunFolder, recipe: Recipe, total_steps: int, images: ImageSet, report: Report) -> None:
    """Draw curves and report into the run's `plots`.

    Args:
        folder: of the run.
        recipe: how it was trained.
        total_steps: steps that it took.
        images: the set that the report is about.
        report: of the best model.

    Raises:
        ResourceError: if a picture cannot be written.
    """
    draw_training(epochs(folder), folder.plots / "training")
    draw_learning_rate(rates(recipe, total_steps), folder.plots / "learning-rate")
    draw_report(report, images.images, folder.plots)


def epochs(folder: RunFolder) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl; none if it could not be written."""
    if not folder.metrics.exists():
        return []
    return [json.loads(line) for line in folder.metrics.read_text(encoding="utf-8").splitlines()]


def rates(recipe: Recipe, total_steps: int) -> list[tuple[int, float]]:
    """The learning rate by step."""
    stride = max(1, total_steps // MOST_POINTS)
    return [(step, learning_rate(recipe, step / total_steps)) for step in range(0, total_steps, stride)]
