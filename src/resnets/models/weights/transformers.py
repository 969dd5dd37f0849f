"""The names of Hugging Face Transformers' ResNet and ConvNeXt; config.json tells where a bottleneck takes its step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnets.models.weights.layout import Config, Layout
from resnets.models.weights.torchvision import convnext_stages, is_original
from resnets.spec import ConvNeXtSpec, ResNetSpec

RESNET = {
    "stem.conv": "resnet.embedder.embedder.convolution",
    "stem.norm": "resnet.embedder.embedder.normalization",
    "stages.S{stage}.U{unit}.residual.conv{number}": (
        "resnet.encoder.stages.{stage-1}.layers.{unit-1}.layer.{number-1}.convolution"
    ),
    "stages.S{stage}.U{unit}.residual.norm{number}": (
        "resnet.encoder.stages.{stage-1}.layers.{unit-1}.layer.{number-1}.normalization"
    ),
    "stages.S{stage}.U{unit}.shortcut.conv": "resnet.encoder.stages.{stage-1}.layers.{unit-1}.shortcut.convolution",
    "stages.S{stage}.U{unit}.shortcut.norm": "resnet.encoder.stages.{stage-1}.layers.{unit-1}.shortcut.normalization",
    "head.linear": "classifier.1",
}
CONVNEXT_BLOCK = {
    "depthwise": "dwconv",
    "norm": "layernorm",
    "expand": "pwconv1 flat",
    "reduce": "pwconv2 flat",
    "scale.weight": "layer_scale_parameter",
}


def convnext(spec: ConvNeXtSpec) -> Mapping[str, str]:
    """ConvNeXt's: the step to a stage is its own part of it."""
    ends = {"stem.conv": "convnext.embeddings.patch_embeddings", "stem.norm": "convnext.embeddings.layernorm"}
    ends |= {"final.norm": "convnext.layernorm", "head.linear": "classifier"}
    own = (f"convnext.encoder.stages.{stage}" for stage in range(len(spec.num_blocks)))
    return ends | convnext_stages(((f"{stage}.downsampling_layer", f"{stage}.layers") for stage in own), CONVNEXT_BLOCK)


def as_configured(spec: ResNetSpec, config: Config) -> Mapping[str, Any]:
    """v1.5 unless `downsample_in_bottleneck` says that the first 1x1 takes the step."""
    is_v1 = bool(config.get("downsample_in_bottleneck", False))
    step = {"stride_in": "1x1" if is_v1 else "3x3"} if spec.block == "bottleneck" else {}
    return {"norm.eps": 1e-5, **step}


LAYOUTS = (
    Layout(
        name="transformers",
        family=ResNetSpec,
        rules=lambda spec: RESNET,  # noqa: ARG005
        takes=is_original,
        demands=as_configured,
    ),
    # its last norm has an eps of 1e-12, ours the 1e-6 of all the others: less than a millionth of the answer
    Layout(name="transformers", family=ConvNeXtSpec, rules=convnext),
)
