"""`resnets import`: somebody else's weights become a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def import_command(
    source: str,
    /,
    *,
    network: Annotated[str, Parameter(name="--as")],
    out: Path,
    replace_head: int | None = None,
    channels: int | None = None,
    classes: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Make a model folder of weights that another library trained.

    resnets import resnet50.pth --as resnet50 --out models/resnet50
    resnets import timm/resnet18.a1_in1k --as resnet18 --out model
    resnets import ./folder --as resnet18 --out model --replace-head 5

    Known are the names that torchvision, timm, Transformers and four CIFAR
    projects give to weights. No code in a file runs.

    Args:
        source: A .safetensors, .pth, .pt or .bin file, a folder with
            model.safetensors, or owner/name[@revision] on the Hub.
        network: Which network it is, a name of `resnets models`.
        out: The folder to write.
        replace_head: Give it a fresh classifier for so many classes.
        channels: Adapt it to images of so many channels.
        classes: Text file with the name of a class in each line.
        json: Print what became of the weights as JSON.
    """
    from dataclasses import asdict

    from resnets.artifact import save_artifact
    from resnets.cli.console import print_json, result_console
    from resnets.exchange.importing import check_place, import_weights

    check_place(out)
    artifact, report, notes = import_weights(
        source,
        network,
        replace_head=replace_head,
        channels=channels,
        class_names=_lines(classes) if classes else None,
    )
    save_artifact(artifact, out)
    if json:
        print_json({"schema": 1, "folder": str(out), **asdict(report), "notes": [*report.notes, *notes]})
    else:
        result_console().print("\n".join([str(report), *notes, f"Model: {out}"]), markup=False)


def _lines(path: Path) -> tuple[str, ...]:
    from resnets.errors import DataError

    try:
        return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except OSError as error:
        raise DataError(f"The class names in {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"The class names in {path} cannot be read: it is not text in UTF-8.") from error
