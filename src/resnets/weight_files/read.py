"""Weights from a file or a folder, with what the folder says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from resnets.errors import ModelFileError
from resnets.weight_files.hub import fetch, is_hub_name
from resnets.weight_files.pickled import read_pickled
from resnets.weight_files.safe import read_safetensors

PICKLED = (".pth", ".pt", ".bin", ".th", ".tar", ".t7", ".ckpt")
"""Endings of what torch.save writes."""
LARGEST_CONFIG = 10_000_000
"""Bytes; those of real models have some thousands."""


@dataclass(frozen=True)
class Weights:
    """Tensors by name, as a file has them."""

    tensors: Mapping[str, Tensor] = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict)
    """config.json beside the weights, if there is one."""
    source: str = "The state dict"
    """What to call them in messages."""


def read_weights(path: str | Path) -> Weights:
    """The weights in a `.safetensors` file, a pickled checkpoint, or a folder with model.safetensors and config.json.

    What is none of these here and has the form `owner/name` or `owner/name@revision` is looked for on the Hub.

    Raises:
        ModelFileError: if there is nothing there, or it cannot be read safely and whole.
    """
    name, path = str(path), Path(path).expanduser()
    if not name.strip():
        raise ModelFileError("No weights are named: give a file, a folder, or owner/name on the Hub.")
    if not path.exists() and is_hub_name(name) and path.suffix.lower() not in (".safetensors", *PICKLED):
        return replace(_in_folder(fetch(name)), source=name)
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        raise ModelFileError(f"There is no file of weights at {path}.")
    if not path.stat().st_size:
        raise ModelFileError(f"{path} is empty.")
    if path.suffix.lower() == ".safetensors":
        return _named(read_safetensors(path), path, _config(path.with_name("config.json")))
    if path.suffix.lower() in PICKLED:
        return _named(read_pickled(path), path, {})
    raise ModelFileError(f"{path} is no file of weights by its name: known are .safetensors, {', '.join(PICKLED)}.")


def _in_folder(folder: Path) -> Weights:
    file = folder / "model.safetensors"
    if not file.is_file():
        raise ModelFileError(
            f"{folder} has no model.safetensors; give the file of weights itself if it has another name."
        )
    config = dict(_config(folder / "config.json"))
    if preprocessor := _config(folder / "preprocessor_config.json"):
        config["preprocessor_config"] = preprocessor
    return _named(read_safetensors(file), folder, config)


def _named(tensors: dict[str, Tensor], path: Path, config: Mapping[str, Any]) -> Weights:
    if not tensors:
        raise ModelFileError(f"{path} holds no tensors.")
    return Weights(tensors, config, str(path))


def _config(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise ModelFileError(f"{path} has {path.stat().st_size:,} bytes; no config has so many.")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(config, dict):
        raise ModelFileError(f"{path} should hold one JSON object.")
    return config
