"""From a model of ours to a folder that timm or torchvision can load."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from resnets import values
from resnets.artifact import Artifact
from resnets.errors import ConfigError
from resnets.exchange.preprocessing import timm_config
from resnets.exchange.replacing import check_own
from resnets.models.catalogue import spec_of
from resnets.models.weights.layout import Layout
from resnets.models.weights.layouts import LAYOUTS
from resnets.models.weights.recognise import with_settings
from resnets.models.weights.write import foreign_state
from resnets.spec import Spec
from resnets.storage import Disk, write_folder
from resnets.training.state import pack

Library = Literal["timm", "torchvision"]
TAG = "resnets"
"""Whose weights they are, in timm's config."""
OF_TRAINING = ("initialization", "zero_init_residual", "dropout", "stochastic_depth", "num_classes")
"""Settings that a trained network's answers do not depend on, or that the other library is told."""


def export_weights(artifact: Artifact, library: Library, folder: Path, disk: Disk | None = None) -> str:
    """Write model.safetensors and config.json under the library's names; how to load them, as a line of Python.

    An earlier export of that name is replaced as a whole.

    Raises:
        ConfigError: if the library has no network that computes the same.
        ModelFileError: if the artifact's weights do not fit its spec.
        ResourceError: if the folder cannot be written, or anything but an export has its name, which is left as it is.
    """
    check_own(folder, "export-weights", _is_export)
    layout = _layout(artifact, library)
    theirs = layout.exports[artifact.architecture]
    _check_same(artifact, layout, theirs)
    config, line = _timm(artifact, theirs, folder) if library == "timm" else _torchvision(artifact, theirs, folder)
    readme = f"{artifact.architecture} under {library}'s names, as {theirs}.\n\n    {line}\n"
    files = {
        "config.json": json.dumps(config, indent=2, ensure_ascii=False).encode(),
        "model.safetensors": pack(foreign_state(artifact.model(), layout)),
        "README.md": readme.encode(),
    }
    write_folder(folder, files, disk or Disk())
    return line


def _is_export(config: Mapping[str, Any]) -> bool:
    """Whether `_timm` or `_torchvision` made it."""
    pretrained = config.get("pretrained_cfg")
    is_for_timm = isinstance(pretrained, Mapping) and pretrained.get("tag") == TAG
    return is_for_timm or config.get("library") == "torchvision"


def _layout(artifact: Artifact, library: Library) -> Layout:
    theirs = [layout for layout in LAYOUTS if layout.name.split()[0] == library]
    for layout in theirs:
        if artifact.architecture in layout.exports and isinstance(artifact.spec, layout.family):
            return layout
    known = [name for layout in theirs for name in layout.exports]
    raise ConfigError(
        f"{library} has no {artifact.architecture}. It has {len(known)} of the networks here, e.g. "
        f"{', '.join(known[:3])}; docs/parity.md lists them."
    )


def _check_same(artifact: Artifact, layout: Layout, theirs: str) -> None:
    """Refuse a network that differs from its catalogue entry in more than the other library can be told."""
    entry = spec_of(artifact.architecture)
    wanted = _meaning(with_settings(entry, layout.demands(entry, {})))
    own = _meaning(artifact.spec)
    if layout.name.startswith("timm"):
        wanted["in_channels"] = own["in_channels"]
    for name, item in own.items():
        if item != wanted[name]:
            raise ConfigError(
                f"{layout.name}'s {theirs} has {name}={wanted[name]!r}, but this network has {item!r} and would answer "
                "differently there."
            )


def _meaning(spec: Spec) -> dict[str, Any]:
    table = values.to_dict(spec)
    table["norm"] = {name: item for name, item in table.get("norm", {}).items() if name != "momentum"}
    return {name: item for name, item in table.items() if name not in OF_TRAINING}


def _timm(artifact: Artifact, theirs: str, folder: Path) -> tuple[dict[str, Any], str]:
    spec = artifact.spec
    pretrained: Mapping[str, Any] = {
        "tag": TAG,
        "custom_load": False,
        "fixed_input_size": spec.maximum_size is not None,
        "num_classes": spec.num_classes,
        "pool_size": None,
        **timm_config(artifact.preprocessing),
    }
    config = {
        "architecture": theirs,
        "num_classes": spec.num_classes,
        "num_features": spec.out_channels,
        "label_names": list(artifact.class_names),
        **({"model_args": {"in_chans": spec.in_channels}} if spec.in_channels != 3 else {}),
        "pretrained_cfg": pretrained,
    }
    return config, f'timm.create_model("local-dir:{folder}", pretrained=True)'


def _torchvision(artifact: Artifact, theirs: str, folder: Path) -> tuple[dict[str, Any], str]:
    config = {
        "library": "torchvision",
        "architecture": theirs,
        "num_classes": artifact.spec.num_classes,
        "label_names": list(artifact.class_names),
        "preprocessing": dataclasses.asdict(artifact.preprocessing),
    }
    model = f"torchvision.models.{theirs}(num_classes={artifact.spec.num_classes})"
    return config, f'{model}.load_state_dict(safetensors.torch.load_file("{folder}/model.safetensors"))'
