"""The names of kuangliu/pytorch-cifar: ImageNet's networks with a 3x3 stem, for CIFAR-10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnets.models.weights.layout import Config, Layout
from resnets.models.weights.torchvision import is_original, v1_5
from resnets.spec import ResNetSpec

RESNET = {
    "stem.conv": "conv1",
    "stem.norm": "bn1",
    "stages.S{stage}.U{unit}.preactivation.norm{number}": "layer{stage}.{unit-1}.bn{number}",
    "stages.S{stage}.U{unit}.residual.conv{number}": "layer{stage}.{unit-1}.conv{number}",
    "stages.S{stage}.U{unit}.residual.norm{number}": "layer{stage}.{unit-1}.bn{number}",
    "stages.S{stage}.U{unit}.shortcut.conv": "layer{stage}.{unit-1}.shortcut.0",
    "stages.S{stage}.U{unit}.shortcut.norm": "layer{stage}.{unit-1}.shortcut.1",
    "head.linear": "linear",
}


def small_stem(spec: ResNetSpec, config: Config) -> Mapping[str, Any]:
    """A 3x3 stem without a pool, and bottlenecks of v1.5."""
    return {"stem": "small", **v1_5(spec, config)}


LAYOUTS = (
    Layout(
        name="kuangliu/pytorch-cifar",
        family=ResNetSpec,
        rules=lambda spec: RESNET,  # noqa: ARG005
        takes=is_original,
        demands=small_stem,
    ),
    Layout(
        name="kuangliu/pytorch-cifar (PreActResNet)",
        family=ResNetSpec,
        rules=lambda spec: RESNET,  # noqa: ARG005
        takes=lambda spec: spec.ordering == "full_preactivation" and len(spec.num_blocks) == 4,
        refusal="its pre-activation networks have no norm and no activation between the last unit and the classifier, "
        "which the paper's have [He 2016, appendix]; ours would answer differently",
    ),
)
