"""Results as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from resnets.cli.console import result_console

if TYPE_CHECKING:
    from resnets.evaluation.report import Report
    from resnets.runs.train import RunResult

MOST_CLASSES = 30
"""Classes that the per-class table lists; more are in the JSON."""


def print_result(result: RunResult) -> None:
    """What a training came to, and where it is."""
    console = result_console()
    console.print(
        f"Trained for {result.train_seconds:.1f} s; "
        f"kept epoch {result.best_epoch}, validation accuracy {100 * result.validation_accuracy:.2f} %."
    )
    console.print(summary(result.report, result.tested_on))
    if result.num_views > 1:
        alone = f"{100 * result.one_view_accuracy:.2f} %"
        console.print(f"Its answers are the mean of {result.num_views} views of an image; from one view {alone}.")
    console.print(f"Model     {result.folder}/model")
    console.print(f"Pictures  {result.folder}/plots")


def summary(report: Report, part: str) -> str:
    """The accuracy in a line, with its interval."""
    low, high = report.accuracy_interval
    return (
        f"{part.capitalize()} accuracy {100 * report.accuracy:.2f} % of {report.num_images:,} images "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f} %), {report.num_mistakes:,} mistakes."
    )


def print_report(report: Report, part: str, num_views: int = 1) -> None:
    """All that an evaluation found."""
    console = result_console()
    console.print(summary(report, part))
    if num_views > 1:
        console.print(f"Each answer is the mean of {num_views} views of an image; --no-tta takes the image alone.")
    console.print(
        f"loss {report.loss:.4f}   top-{report.top_k} accuracy {100 * report.top_k_accuracy:.2f} %   "
        f"macro F1 {report.macro_f1:.4f}   calibration error {100 * report.calibration_error:.2f} %"
    )
    _print_classes(console, report)
    _print_confused(console, report)


def _print_classes(console: Console, report: Report) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class")
    for title in ("precision", "recall", "F1", "images"):
        table.add_column(title, justify="right")
    for row in report.per_class[:MOST_CLASSES]:
        table.add_row(row.name, f"{row.precision:.4f}", f"{row.recall:.4f}", f"{row.f1:.4f}", f"{row.support:,}")
    console.print()
    console.print(table)
    if len(report.per_class) > MOST_CLASSES:
        console.print(f"and {len(report.per_class) - MOST_CLASSES} more classes; --json has all.")


def _print_confused(console: Console, report: Report) -> None:
    if not report.most_confused:
        return
    names = report.class_names
    pairs = [
        f"{names[pair.label]} taken for {names[pair.predicted]}: {pair.count}" for pair in report.most_confused[:5]
    ]
    console.print()
    console.print(Text("Most confused: " + ", ".join(pairs) + "."))
