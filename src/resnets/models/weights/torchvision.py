"""torchvision's names.

Its bottlenecks take their step in the 3x3 (v1.5), its norms have eps 1e-5, the pool of its stem is padded by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnets.models.weights.layout import Config, Layout
from resnets.spec import ResNetSpec

RESNET = {
    "stem.conv": "conv1",
    "stem.norm": "bn1",
    "stages.S{stage}.U{unit}.residual.conv{number}": "layer{stage}.{unit-1}.conv{number}",
    "stages.S{stage}.U{unit}.residual.norm{number}": "layer{stage}.{unit-1}.bn{number}",
    "stages.S{stage}.U{unit}.shortcut.conv": "layer{stage}.{unit-1}.downsample.0",
    "stages.S{stage}.U{unit}.shortcut.norm": "layer{stage}.{unit-1}.downsample.1",
    "head.linear": "fc",
}
RESNETS = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
)  # fmt: skip


def v1_5(spec: ResNetSpec, config: Config) -> Mapping[str, Any]:  # noqa: ARG001 - one signature for all layouts
    """The settings of nearly every ResNet that is shared: the step of a bottleneck in its 3x3, PyTorch's eps."""
    step = {"stride_in": "3x3"} if spec.block == "bottleneck" else {}
    return {"norm.eps": 1e-5, **step}


def is_original(spec: ResNetSpec) -> bool:
    """Norm and activation where the first paper has them, in a network of four stages."""
    return spec.ordering == "original" and len(spec.num_blocks) == 4


LAYOUTS = (
    Layout(
        name="torchvision",
        family=ResNetSpec,
        rules=lambda spec: RESNET,  # noqa: ARG005
        takes=is_original,
        demands=v1_5,
        exports={name: name for name in RESNETS},
    ),
)
