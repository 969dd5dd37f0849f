"""The names of kuangliu/pytorch-cifar: ImageNet's networks with a 3x3 stem, for CIFAR-10.

Its DenseNet sets what a unit finds before what the unit read, ours after it. It is the same network with the channels
renumbered, so the weights are read in our order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnets.models.weights.layout import Config, Layout, Orders
from resnets.models.weights.torchvision import is_original, usual_eps, v1_5, vgg_features
from resnets.spec import DenseNetSpec, ResNetSpec, VGGSpec

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
DENSENET = {
    "stem.conv": "conv1",
    "stages.S1.U{unit}.composite.norm{number}": "dense1.{unit-1}.bn{number}",
    "stages.S1.U{unit}.composite.conv{number}": "dense1.{unit-1}.conv{number}",
    "stages.S{stage}.U1.norm": "trans{stage-1}.bn",
    "stages.S{stage}.U1.conv": "trans{stage-1}.conv",
    "stages.S{stage}.U{unit}.composite.norm{number}": "dense{stage}.{unit-2}.bn{number}",
    "stages.S{stage}.U{unit}.composite.conv{number}": "dense{stage}.{unit-2}.conv{number}",
    "final.norm": "bn",
    "head.linear": "linear",
}


def small_stem(spec: ResNetSpec, config: Config) -> Mapping[str, Any]:
    """A 3x3 stem without a pool, and bottlenecks of v1.5."""
    return {"stem": "small", **v1_5(spec, config)}


def without_hidden_layers(spec: VGGSpec, config: Config) -> Mapping[str, Any]:  # noqa: ARG001
    """VGG with norms and one linear layer on one pixel."""
    return {"batch_norm": True, "pooled_size": 1, "hidden": ()}


def renumbered(spec: DenseNetSpec) -> Orders:
    """For each weight that reads a list of units' outputs: which of their channels each of ours is."""
    orders: dict[str, Mapping[int, list[int]]] = {}
    read: list[int] = []
    for stage, (inputs, units) in enumerate(zip(spec.stage_inputs, spec.num_blocks, strict=True), start=1):
        if stage > 1:
            orders |= _reading(f"stages.S{stage}.U1.norm", f"stages.S{stage}.U1.conv", read)
        for unit in range(units):
            composite = f"stages.S{stage}.U{unit + (1 if stage == 1 else 2)}.composite"
            orders |= _reading(f"{composite}.norm1", f"{composite}.conv1", _newest_first(inputs, unit, spec.growth))
        read = _newest_first(inputs, units, spec.growth)
    return orders | _reading("final.norm", "head.linear", read)


def _newest_first(inputs: int, units: int, growth: int) -> list[int]:
    """What a stage began with and what its units found, in our order, by their places."""
    first = [units * growth + place for place in range(inputs)]
    return first + [(units - 1 - unit) * growth + place for unit in range(units) for place in range(growth)]


def _reading(norm: str, layer: str, order: list[int]) -> dict[str, Mapping[int, list[int]]]:
    statistics = {f"{norm}.{leaf}": {0: order} for leaf in ("weight", "bias", "running_mean", "running_var")}
    return {**statistics, f"{layer}.weight": {1: order}}


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
    Layout(
        name="kuangliu/pytorch-cifar",
        family=VGGSpec,
        rules=lambda spec: {**vgg_features(spec), "head.linear": "classifier"},
        demands=without_hidden_layers,
    ),
    Layout(
        name="kuangliu/pytorch-cifar",
        family=DenseNetSpec,
        rules=lambda spec: DENSENET,  # noqa: ARG005
        takes=lambda spec: spec.bottleneck is not None,
        demands=lambda spec, config: {"stem": "small", **usual_eps(spec, config)},
        orders=renumbered,
    ),
)
