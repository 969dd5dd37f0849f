"""`resnets demo`: the whole tour on handwritten digits, in a few minutes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from resnets.presets import Patience

if TYPE_CHECKING:
    from rich.console import Console

    from resnets.data.imageset import ImageSet
    from resnets.runs.train import RunResult

EXAMPLES = 6
"""Test images that are predicted and drawn."""
SAMPLE_STRIDE = 1_000
"""Between two of them, so that the choice is nobody's."""


def demo_command(*, preset: Patience = "good", seed: int = 0, runs: Path = Path("runs")) -> None:
    """Train on handwritten digits, evaluate, predict and draw: the whole tour.

    Args:
        preset: How much time for how much accuracy.
        seed: Of weights, split, order and augmentation.
        runs: Where the numbered run folder is made.
    """
    from resnets.cli.console import message_console, result_console
    from resnets.cli.display import display
    from resnets.cli.results import print_report
    from resnets.runs.folder import new_run
    from resnets.runs.plan import plan
    from resnets.runs.request import Request
    from resnets.runs.train import run

    console, watch = result_console(), display(message_console(), is_quiet=False)
    _title(console, "1. Train a residual network on 55,000 handwritten digits")
    config, splits = plan(Request(dataset="mnist", preset=preset, seed=seed), watch)
    result = run(config, new_run(runs, f"mnist-{config.model}"), watch, splits)
    console.print(f"Trained for {result.train_seconds:.1f} s.")
    _title(console, "2. Measure it on 10,000 digits that it has never seen")
    print_report(result.report, result.tested_on)
    _title(console, "3. Let it read some of them")
    _predict(console, result, splits.test or splits.validation)
    _title(console, "4. Look further")
    _suggest(console, result)


def _title(console: Console, text: str) -> None:
    console.print(f"\n{text}\n", style="bold")


def _predict(console: Console, result: RunResult, images: ImageSet) -> None:
    """Some test images as files, through the same door as anybody's pictures."""
    from PIL import Image
    from rich.table import Table
    from rich.text import Text

    from resnets.cli.picture import drawn
    from resnets.inference.predictor import Predictor

    folder = Path(result.folder) / "examples"
    folder.mkdir(exist_ok=True)
    predictor = Predictor.load(result.folder)
    table = Table(box=None, padding=(0, 3, 1, 0), show_header=False)
    for number in range(EXAMPLES):
        place = number * SAMPLE_STRIDE
        path = folder / f"test-{place:05d}.png"
        Image.fromarray(images.images[place, 0].numpy()).save(path)
        prediction = predictor(path)
        true = images.class_names[int(images.labels[place])]
        verdict = "right" if prediction.name == true else f"wrong, it is {true}"
        rest = f"  {100 * prediction.probability:.1f} %\n{verdict}\n{path.name}"
        says = Text.assemble((prediction.name, "bold"), rest)
        table.add_row(drawn(prediction.seen, console), says)
    console.print(table)


def _suggest(console: Console, result: RunResult) -> None:
    folder = shlex.quote(result.folder)
    console.print(f"Pictures of the run:         {folder}/plots")
    console.print(f"The model, ready to use:     {folder}/model")
    for text, command in (
        ("Your own photo of a digit", f"resnets predict {folder} photo.png --show"),
        ("Every block of the network", f"resnets show {folder}"),
        ("More accuracy, minutes more", "resnets train mnist --preset best"),
        ("Clothes instead of digits", "resnets train fashion-mnist"),
        ("Your own photos", "resnets train ./photos   (one folder a class)"),
    ):
        console.print(f"{text + ':':<29}{command}")
