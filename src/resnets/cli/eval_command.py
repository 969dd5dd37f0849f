"""`resnets eval`: how good a trained model is on a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from resnets.cli.options import AnswerOptions
from resnets.cli.overrides import fraction, from_tokens
from resnets.errors import ConfigError, DataError

if TYPE_CHECKING:
    from torch import nn

    from resnets.artifact import Artifact
    from resnets.data.imageset import ImageSet, Splits
    from resnets.inference.engines import Engine
    from resnets.views import Views


def eval_command(  # noqa: PLR0913, D417 - an option each; a group brings its own texts
    model: str,
    dataset: str | None = None,
    /,
    *,
    data: str | None = None,
    part: Literal["auto", "train", "validation", "test"] = "auto",
    top_k: int = 5,
    max_bad: Annotated[float, Parameter(converter=from_tokens(fraction))] = 0.0,
    engine: Literal["auto", "torch", "native"] = "auto",
    tta: bool = True,
    views: AnswerOptions = AnswerOptions(),  # noqa: B008 - a frozen value
    pictures: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Measure a trained model on a data set.

    resnets eval runs/mnist-resnet20-001             on the test set it belongs to
    resnets eval runs/photos-resnet18-001 ./new      on another folder of photos
    resnets eval digits --pictures report            and draw it

    Args:
        model: A model folder, a run folder, or a packaged model: digits.
        dataset: A data set or folder; the one that it was trained on if not said.
        data: Folder with the files of a named data set.
        part: Which part of it; auto takes test if there is one, else validation.
        top_k: Also count an answer right if it is among this many.
        max_bad: Part of the files that may be unreadable and skipped, e.g. 1%.
        engine: What runs the network: PyTorch, or a plan of the native kernels.
        tta: Answer with the mean over views of an image where the model is made for it.
        pictures: Folder to draw confusion matrix, calibration and worst mistakes into.
        json: Print the report as JSON.
    """
    from resnets.artifact import load_artifact
    from resnets.cli.console import message_console, print_json
    from resnets.cli.display import display
    from resnets.cli.engine import usable
    from resnets.cli.results import print_report
    from resnets.cli.views import asked_views
    from resnets.evaluation.evaluate import evaluate
    from resnets.runs.train import evaluation_batches

    artifact = load_artifact(model)
    shown = asked_views(artifact.views, views, tta=tta)
    network = _network(artifact, usable(engine), shown)
    splits = _load(artifact, dataset, data, max_bad, display(message_console(), is_quiet=json))
    chosen, images = _part(splits, part)
    report = evaluate(network, evaluation_batches(images), artifact.class_names, top_k=top_k)
    if pictures:
        from resnets.evaluation.pictures import draw_report

        draw_report(report, images.images, pictures)
    if json:
        print_json({"model": model, "part": chosen, "num_views": shown.count, **report.to_dict()})
    else:
        print_report(report, chosen, shown.count)


def _network(artifact: Artifact, engine: Engine, views: Views) -> nn.Module:
    """What answers, on the settings that suit the machine."""
    from resnets.inference.averaging import averaged
    from resnets.inference.engines import run_by
    from resnets.training.machine import Machine, physical_cores

    machine = Machine(threads=physical_cores(), native=False)  # blocks on kernels are a training's; here are engines
    machine.apply()
    return averaged(run_by(engine, machine.place(artifact.model())), views)


def _load(artifact: Artifact, dataset: str | None, data: str | None, max_bad: float, watch: Any) -> Splits:
    from resnets.data.sources import SourceOptions, load

    name = dataset or str(artifact.made.get("source", artifact.made.get("dataset", "")))
    if not name:
        raise ConfigError("The model does not say what it was trained on; name a data set or folder to measure it on.")
    preprocessing = artifact.preprocessing
    seed = int(artifact.made.get("seed", 0))
    options = SourceOptions(
        whole_is_test=dataset is not None,
        data=data or artifact.made.get("data"),
        max_bad=max_bad,
        seed=seed,
        preprocessing=preprocessing,
        class_names=artifact.class_names,
    )
    splits = load(name, options, progress=watch.reading)
    watch.ended()
    return splits


def _part(splits: Splits, part: str) -> tuple[str, ImageSet]:
    parts = {"test": splits.test, "validation": splits.validation, "train": splits.train}
    wanted = parts if part == "auto" else {part: parts[part]}
    for name, images in wanted.items():
        if images is not None and len(images):
            return name, images
    raise DataError(f"{splits.train.name} has no {part} part; choose one with --part.")
