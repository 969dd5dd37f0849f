"""timm's names. Its ResNets are called as torchvision's are; its pre-activation ones have a scheme of their own."""

from __future__ import annotations

from resnets.models.weights.layout import Layout
from resnets.models.weights.torchvision import RESNET as TORCHVISION
from resnets.models.weights.torchvision import RESNETS, v1_5
from resnets.spec import ResNetSpec

RESNETV2 = {
    "stem.conv": "stem.conv",
    "stages.S{stage}.U{unit}.preactivation.norm{number}": "stages.{stage-1}.blocks.{unit-1}.norm{number}",
    "stages.S{stage}.U{unit}.residual.norm{number}": "stages.{stage-1}.blocks.{unit-1}.norm{number}",
    "stages.S{stage}.U{unit}.residual.conv{number}": "stages.{stage-1}.blocks.{unit-1}.conv{number}",
    "stages.S{stage}.U{unit}.shortcut.conv": "stages.{stage-1}.blocks.{unit-1}.downsample.conv",
    "final.norm": "norm",
    "head.linear": "head.fc 1x1",
}

LAYOUTS = (
    Layout(
        name="timm",
        family=ResNetSpec,
        rules=lambda spec: TORCHVISION,  # noqa: ARG005
        takes=lambda spec: spec.ordering == "original" and len(spec.num_blocks) == 4,
        demands=v1_5,
        exports={name: name for name in (*RESNETS, "resnext101_32x4d")},
    ),
    Layout(
        name="timm (resnetv2)",
        family=ResNetSpec,
        rules=lambda spec: RESNETV2,  # noqa: ARG005
        takes=lambda spec: spec.ordering == "full_preactivation",
        demands=v1_5,
        exports={f"resnet{depth}_v2": f"resnetv2_{depth}" for depth in (18, 34, 50, 101, 152)},
    ),
)
