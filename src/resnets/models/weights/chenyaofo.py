"""The names of chenyaofo/pytorch-cifar-models: the paper's CIFAR nets with option B, in torchvision's scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnets.models.weights.layout import Config, Layout
from resnets.models.weights.torchvision import RESNET
from resnets.spec import ResNetSpec


def option_b(spec: ResNetSpec, config: Config) -> Mapping[str, Any]:  # noqa: ARG001 - one signature for all layouts
    """Projections where the shape changes."""
    return {"norm.eps": 1e-5, "shortcut": "B"}


LAYOUTS = (
    Layout(
        name="chenyaofo/pytorch-cifar-models",
        family=ResNetSpec,
        rules=lambda spec: RESNET,  # noqa: ARG005
        takes=lambda spec: (
            spec.stem == "small" and spec.block == "basic" and spec.ordering == "original" and len(spec.num_blocks) == 3
        ),
        demands=option_b,
    ),
)
