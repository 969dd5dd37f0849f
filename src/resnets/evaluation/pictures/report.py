"""All pictures of a report."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from resnets.evaluation.pictures.confusion import draw_confusion
from resnets.evaluation.pictures.gallery import draw_mistakes
from resnets.evaluation.pictures.reliability import draw_reliability
from resnets.evaluation.pictures.scores import draw_class_scores
from resnets.evaluation.pictures.style import Theme
from resnets.evaluation.report import Report


def draw_report(report: Report, images: Tensor, folder: Path, theme: Theme = "light") -> None:
    """Write `confusion`, `reliability`, `class-scores` and `mistakes`, each as PNG and SVG, into the folder.

    Args:
        report: what an evaluation found.
        images: uint8 (N, C, H, W), the whole set that was evaluated.
        folder: where to write; made if there is none.
        theme: `light` or `dark`.

    Raises:
        ResourceError: if a file cannot be written.
    """
    wrong = images[[mistake.index for mistake in report.worst_mistakes]]
    draw_confusion(report.confusion, report.class_names, folder / "confusion", theme)
    draw_reliability(report.bins, report.calibration_error, folder / "reliability", theme)
    draw_class_scores(report.per_class, folder / "class-scores", theme)
    draw_mistakes(
        wrong,
        report.worst_mistakes,
        report.class_names,
        folder / "mistakes",
        num_mistakes=report.num_mistakes,
        theme=theme,
    )
