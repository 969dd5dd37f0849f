"""Residual networks: build them, train them, look inside them, prove what the papers claim, ship them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resnets.artifact import Artifact as Artifact
    from resnets.artifact import load_artifact as load_artifact
    from resnets.artifact import save_artifact as save_artifact
    from resnets.data.batches import Batches as Batches
    from resnets.data.imageset import ImageSet as ImageSet
    from resnets.data.imageset import Splits as Splits
    from resnets.data.sources import load as load
    from resnets.evaluation.evaluate import evaluate as evaluate
    from resnets.inference.averaging import averaged as averaged
    from resnets.inference.predictor import Prediction as Prediction
    from resnets.inference.predictor import Predictor as Predictor
    from resnets.inspection.complexity import complexity as complexity
    from resnets.inspection.structure import structure as structure
    from resnets.layers.freezing import freeze_norms as freeze_norms
    from resnets.layers.freezing import unfreeze_norms as unfreeze_norms
    from resnets.models.build import build as build
    from resnets.models.catalogue import names as names
    from resnets.models.catalogue import spec_of as spec_of
    from resnets.models.network import Network as Network
    from resnets.models.pretrained import create as create
    from resnets.models.resnet import ResNet as ResNet
    from resnets.models.weights.load import WeightReport as WeightReport
    from resnets.models.weights.load import load_weights as load_weights
    from resnets.presets import preset as preset
    from resnets.recipe import Augmentation as Augmentation
    from resnets.recipe import Recipe as Recipe
    from resnets.runs.train import resume as resume
    from resnets.runs.train import run as run
    from resnets.spec import NormSpec as NormSpec
    from resnets.spec import ResNetSpec as ResNetSpec
    from resnets.spec import Spec as Spec
    from resnets.training.fit import fit as fit
    from resnets.views import Views as Views

__version__ = "0.1.0"

_HOMES = {
    "Artifact": "artifact",
    "Augmentation": "recipe",
    "Batches": "data.batches",
    "ImageSet": "data.imageset",
    "Network": "models.network",
    "NormSpec": "spec",
    "Prediction": "inference.predictor",
    "Predictor": "inference.predictor",
    "Recipe": "recipe",
    "ResNet": "models.resnet",
    "ResNetSpec": "spec",
    "Spec": "spec",
    "Splits": "data.imageset",
    "Views": "views",
    "WeightReport": "models.weights.load",
    "averaged": "inference.averaging",
    "build": "models.build",
    "complexity": "inspection.complexity",
    "create": "models.pretrained",
    "evaluate": "evaluation.evaluate",
    "fit": "training.fit",
    "freeze_norms": "layers.freezing",
    "load": "data.sources",
    "load_artifact": "artifact",
    "load_weights": "models.weights.load",
    "names": "models.catalogue",
    "preset": "presets",
    "resume": "runs.train",
    "run": "runs.train",
    "save_artifact": "artifact",
    "spec_of": "models.catalogue",
    "structure": "inspection.structure",
    "unfreeze_norms": "layers.freezing",
}
"""Public name -> the file it lives in. Loaded on first use, so that `import resnets` is quick and loads no torch."""

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604 - the names are those of the table


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'resnets' has no attribute '{name}'")
    return getattr(importlib.import_module(f"resnets.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
