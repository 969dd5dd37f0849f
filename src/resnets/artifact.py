"""The model folder: all that is needed to use a network on a new picture, proved by a manifest.

config.json          spec, class names, preprocessing, how it was made, how good it is
model.safetensors    weights
README.md            the model card
MANIFEST.json        size and SHA-256 of each
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
from torch import Tensor

from resnets import values
from resnets.data.preprocessing import Preprocessing
from resnets.errors import ConfigError, ModelFileError, suggestion
from resnets.model_card import model_card
from resnets.models.build import outline
from resnets.models.network import Network
from resnets.packaged import PACKAGED, packaged_names
from resnets.spec import Spec, spec_from_dict
from resnets.storage import MANIFEST, Disk, check_replaceable, read_folder, write_folder
from resnets.training.state import pack, unpack
from resnets.views import Views

FORMAT = 1
"""Version of config.json; a reader refuses versions it does not know."""


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A trained network with everything that its use needs."""

    spec: Spec
    weights: Mapping[str, Tensor] = field(repr=False)
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    architecture: str
    """Name in the catalogue that the spec started from."""
    views: Views = field(default_factory=Views)
    """What of an image the network is shown, unless the user says otherwise."""
    made: Mapping[str, Any] = field(default_factory=dict)
    """How: data set and its hash, recipe, seed, command, versions, machine."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """How good: accuracies with the number of images they were measured on."""

    def model(self) -> Network:
        """The network with its weights, in evaluation mode.

        Raises:
            ModelFileError: if the weights do not fit the spec, naming the first one that does not.
        """
        model = outline(self.spec)
        _check_weights(model.state_dict(), self.weights)
        model.load_state_dict({name: tensor.clone() for name, tensor in self.weights.items()}, assign=True)
        return model.eval()


def save_artifact(artifact: Artifact, folder: Path, disk: Disk | None = None) -> None:
    """Write the model folder; an older one of that name is replaced as a whole.

    Raises:
        ResourceError: if it cannot be written, or something else has the name; what was there is untouched.
    """
    check_replaceable(folder)
    config = {
        "format": FORMAT,
        "library": "resnets",
        "architecture": artifact.architecture,
        "num_classes": artifact.spec.num_classes,
        "num_features": artifact.spec.out_channels,
        "label_names": list(artifact.class_names),
        "spec": values.to_dict(artifact.spec),
        "preprocessing": values.to_dict(artifact.preprocessing),
        "views": values.to_dict(artifact.views),
        "made": dict(artifact.made),
        "measured": dict(artifact.measured),
    }
    files = {
        "config.json": json.dumps(config, indent=2, ensure_ascii=False).encode(),
        "model.safetensors": pack(artifact.weights),
        "README.md": model_card(config).encode(),
    }
    write_folder(folder, files, disk or Disk())


def load_artifact(name: str | Path) -> Artifact:
    """Read a model folder, a run folder that holds one, or a packaged model by name (`digits`).

    Raises:
        ModelFileError: if it is missing, incomplete, changed by as little as one bit, of an unknown version, or another
            library's.
    """
    folder = find_artifact(name)
    elsewhere = f"if another library wrote it, `resnets import {folder} --as NAME --out FOLDER` makes a model of it"
    if not (folder / MANIFEST).is_file():
        raise ModelFileError(f"{folder} is not a model folder, as it has no {MANIFEST}; {elsewhere}.")
    files = read_folder(folder, "model")
    try:
        config = json.loads(files["config.json"])
        if "format" not in config:
            raise ModelFileError(f"{folder} is not a model folder, as its config.json says no format; {elsewhere}.")
        if config["format"] != FORMAT:
            raise ModelFileError(f"The model at {folder} has format {config['format']}; this version reads {FORMAT}.")
        return Artifact(
            spec=spec_from_dict(config["spec"]),
            weights=unpack(files["model.safetensors"]),
            class_names=tuple(map(str, config["label_names"])),
            preprocessing=values.from_dict(Preprocessing, config["preprocessing"]),
            architecture=str(config["architecture"]),
            views=values.from_dict(Views, config.get("views", {}), "views"),  # an older version wrote none
            made=config["made"],
            measured=config["measured"],
        )
    except (KeyError, TypeError, ValueError, ConfigError, RecursionError, safetensors.SafetensorError) as error:
        raise ModelFileError(f"The model at {folder} cannot be used: {error}") from error


def find_artifact(name: str | Path) -> Path:
    """The model folder that a name means.

    Raises:
        ModelFileError: if there is none.
    """
    folder = Path(name)
    for place in (folder, folder / "model", PACKAGED / str(name)):
        if (place / "config.json").is_file():
            return place
    if folder.exists():
        raise ModelFileError(
            f"{folder} is not a model folder: it has no config.json. Give a run folder or its `model`."
        )
    packaged = packaged_names()
    raise ModelFileError(
        f"There is no model at {folder}.{suggestion(str(name), packaged)} "
        f"Packaged models: {', '.join(packaged) or 'none'}; or give the folder of a run."
    )


def _check_weights(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    for name, tensor in expected.items():
        if name not in found:
            raise ModelFileError(f"The weights lack '{name}' {tuple(tensor.shape)}, which the spec needs.")
        if found[name].shape != tensor.shape or found[name].dtype != tensor.dtype:
            have = f"{tuple(found[name].shape)} {found[name].dtype}"
            raise ModelFileError(
                f"The weight '{name}' should be {tuple(tensor.shape)} {tensor.dtype}, but it is {have}."
            )
    for name in found:
        if name not in expected:
            raise ModelFileError(f"The weights hold '{name}', which the spec does not have.")
