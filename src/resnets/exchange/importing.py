"""From somebody else's weights to a model folder of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import resnets
from resnets.artifact import Artifact
from resnets.errors import ConfigError
from resnets.exchange.preprocessing import preprocessing_from
from resnets.exchange.replacing import check_own
from resnets.models.pretrained import filled
from resnets.models.weights.load import WeightReport
from resnets.weight_files.read import read_weights


def import_weights(
    source: str | Path,
    name: str,
    *,
    replace_head: int | None = None,
    channels: int | None = None,
    class_names: tuple[str, ...] | None = None,
) -> tuple[Artifact, WeightReport, list[str]]:
    """The model that weights make, what became of them, and what was chosen, in sentences.

    Args:
        source: a file, a folder, or `owner/name` on the Hub.
        name: the network's in the catalogue.
        replace_head: give it a fresh classifier for so many classes.
        channels: adapt it to images of so many channels.
        class_names: what its classes are called; the config's if not said, else their numbers.

    Raises:
        ConfigError: if there is no such network, or there are more or fewer names than classes.
        ModelFileError: if the weights cannot be read, or do not fit.
    """
    weights = read_weights(source)
    asked = {"num_classes": replace_head, "in_channels": channels}
    changes = {setting: number for setting, number in asked.items() if number is not None}
    model, report, notes = filled(name, weights, seed=0, **changes)
    spec = model.spec
    preprocessing, who = preprocessing_from(weights.config, spec)
    notes.append(
        f"Pictures are prepared at {preprocessing.size} pixels with mean {_rounded(preprocessing.mean)} and std "
        f"{_rounded(preprocessing.std)}, as {who}."
    )
    known = class_names or (() if report.replaced else _class_names(weights.config))
    if class_names and len(class_names) != spec.num_classes:
        raise ConfigError(f"There are {len(class_names)} class names, but {name} has {spec.num_classes} classes here.")
    names = known if len(known) == spec.num_classes else tuple(str(place) for place in range(spec.num_classes))
    artifact = Artifact(
        spec=spec,
        weights=model.state_dict(),
        class_names=names,
        preprocessing=preprocessing,
        architecture=name,
        made={"imported_from": report.source, "layout": report.layout, "resnets": resnets.__version__},
    )
    return artifact, report, notes


def check_place(folder: Path) -> None:
    """Refuse to put an import in the place of anything but nothing, an empty folder or an earlier import.

    Raises:
        ResourceError: if something else is there, e.g. a trained model.
    """
    check_own(folder, "import", _is_import)


def _is_import(config: Mapping[str, Any]) -> bool:
    made = config.get("made")
    return isinstance(made, Mapping) and "imported_from" in made


def _class_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """From our config or timm's `label_names`, or Transformers' `id2label`."""
    found = config.get("label_names") or config.get("id2label") or ()
    if isinstance(found, Mapping):
        numbered = {int(place): name for place, name in found.items() if str(place).isdigit()}
        found = [numbered[place] for place in sorted(numbered)]
    return tuple(map(str, found)) if isinstance(found, (list, tuple)) else ()


def _rounded(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:.3f}" for number in numbers)
