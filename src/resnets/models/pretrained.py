"""A network by its name, with weights that somebody has trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.network import Network
from resnets.models.weights.load import WeightReport, fitting_spec, load_weights
from resnets.spec import replace
from resnets.weight_files.read import Weights, read_weights


def create(
    name: str, *, seed: int | None = None, pretrained: str | Path | Weights | None = None, **changes: Any
) -> Network:
    """A network by its name, with any settings of its spec changed, e.g. `num_classes=10, stem="small"`.

    With `pretrained` its weights are read: from a file or folder, or from the Hugging Face Hub by `owner/name` or
    `owner/name@revision`, e.g. "timm/resnet50.a1_in1k". Settings that the weights need and that were not asked for
    follow them. For another `num_classes` than theirs the classifier is fresh; for other `in_channels` the first
    convolution is adapted.

    Raises:
        ConfigError: if the name or a setting is unknown, or the settings contradict each other.
        ModelFileError: if the weights cannot be read, or do not fit the network.
    """
    if pretrained is None:
        return build(replace(spec_of(name), **changes), seed)
    return filled(name, pretrained, seed=seed, **changes)[0]


def filled(
    name: str, pretrained: str | Path | Weights, *, seed: int | None = None, **changes: Any
) -> tuple[Network, WeightReport, list[str]]:
    """As `create` with `pretrained`; also what became of the weights, and which settings followed them, in sentences.

    Raises:
        ConfigError, ModelFileError: as `create`.
    """
    weights = pretrained if isinstance(pretrained, Weights) else read_weights(pretrained)
    spec, notes = fitting_spec(spec_of(name), weights)
    model = build(replace(spec, **changes), seed)
    return model, load_weights(model, weights, replace_head="num_classes" in changes), notes
