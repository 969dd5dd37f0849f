"""`resnets predict`: names for pictures, from a model folder alone."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from resnets.cli.options import AnswerOptions
from resnets.errors import DataError, ImageError

if TYPE_CHECKING:
    from rich.console import Console
    from torch import Tensor

    from resnets.inference.predictor import Prediction, Predictor


def predict_command(  # noqa: PLR0913, D417 - an option each; a group brings its own texts
    model: str,
    /,
    *pictures: str,
    top_k: int = 3,
    out: Literal["table", "json", "csv"] = "table",
    engine: Literal["auto", "torch", "native"] = "auto",
    tta: bool = True,
    views: AnswerOptions = AnswerOptions(),  # noqa: B008 - a frozen value
    seen: Path | None = None,
    show: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Name what is in pictures.

    resnets predict digits photo.png                 the packaged digit model
    resnets predict runs/mnist-resnet20-001 scans/   a model of your own, a folder
    resnets predict digits - < photo.png             standard input

    Pictures that cannot be read are named on stderr, the others are answered,
    and the exit code is 4.

    Args:
        model: A model folder, a run folder, or a packaged model: digits.
        pictures: Files, folders, patterns like 'scans/*.png', or - for standard input.
        top_k: Classes named for each picture.
        out: How the answer is written.
        engine: What runs the network: PyTorch, or a plan of the native kernels, for many pictures.
        tta: Answer with the mean over views of a picture where the model is made for it.
        seen: Folder to write what the network was shown of each picture, as PNG.
        show: Draw what the network was shown into the terminal.
        json: The same as --out json.
    """
    from resnets.artifact import load_artifact
    from resnets.cli.console import print_json, result_console
    from resnets.cli.engine import usable
    from resnets.cli.views import asked_views
    from resnets.inference.predictor import Predictor
    from resnets.inference.sources import find_pictures

    if not pictures:
        raise DataError("No pictures were given; name files, folders or patterns, or - for standard input.")
    artifact = load_artifact(model)
    predictor = Predictor(artifact, usable(engine), asked_views(artifact.views, views, tta=tta))
    prepared, unreadable = _prepare(predictor, list(find_pictures(pictures)))
    predictions = predictor.predict(list(prepared.values()), top_k=top_k)
    answers = dict(zip(prepared, predictions, strict=True))
    if seen:
        _write_seen(seen, answers)
    if json or out == "json":
        print_json({"schema": 1, "model": model, "predictions": [_row(*answer) for answer in answers.items()]})
    elif out == "csv":
        _print_csv(answers)
    else:
        _print_table(answers, result_console(), is_drawing=show)
    if unreadable:
        raise ImageError(f"{len(unreadable)} of {len(unreadable) + len(answers)} pictures could not be used.")


def _prepare(predictor: Predictor, pictures: list[tuple[str, Path | bytes]]) -> tuple[dict[str, Tensor], list[str]]:
    """What the network will be shown of each readable picture, and the names of the others, told on stderr."""
    prepared, unreadable = {}, []
    for name, picture in pictures:
        try:
            prepared[name] = predictor.prepare(picture)
        except ImageError as error:
            if len(pictures) == 1:
                raise
            sys.stderr.write(f"resnets: {error}\n")
            unreadable.append(name)
    return prepared, unreadable


def _row(name: str, prediction: Prediction) -> dict[str, object]:
    ranked = zip(prediction.classes, prediction.probabilities, strict=True)
    return {"picture": name, "answer": [{"class": label, "probability": share} for label, share in ranked]}


def _print_csv(answers: dict[str, Prediction]) -> None:
    most = max((len(prediction.classes) for prediction in answers.values()), default=1)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(
        ["picture", *(f"{kind}_{rank}" for rank in range(1, most + 1) for kind in ("class", "probability"))]
    )
    for name, prediction in answers.items():
        pairs = zip(prediction.classes, prediction.probabilities, strict=True)
        writer.writerow([name, *(cell for label, share in pairs for cell in (label, f"{share:.6f}"))])


def _print_table(answers: dict[str, Prediction], console: Console, *, is_drawing: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from resnets.cli.picture import drawn

    drawings = {name: drawn(prediction.seen, console) for name, prediction in answers.items() if is_drawing}
    width = max((console.measure(drawing).maximum for drawing in drawings.values()), default=None)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("picture", overflow="fold", width=width)
    for title in ("answer", "", "next"):
        table.add_column(title, overflow="fold")
    for name, prediction in answers.items():
        shares = [
            f"{label} {100 * share:.1f} %"
            for label, share in zip(prediction.classes, prediction.probabilities, strict=True)
        ]
        table.add_row(
            Text(name),
            Text(prediction.name, style="bold"),
            f"{100 * prediction.probability:.1f} %",
            Text(", ".join(shares[1:])),
        )
        if name in drawings:
            table.add_row(drawings[name], "", "", "")
    console.print(table)


def _write_seen(folder: Path, answers: dict[str, Prediction]) -> None:
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, prediction) in enumerate(answers.items(), 1):
        pixels = prediction.seen.permute(1, 2, 0).squeeze(-1).numpy()
        Image.fromarray(pixels).save(folder / f"{number:04d}-{Path(name).stem}.png")
