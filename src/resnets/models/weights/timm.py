"""timm's names. Its ResNets are called as torchvision's are, with names of their own for what those have not."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.models.weights.layout import Layout
from resnets.models.weights.torchvision import (
    CONVNEXTS,
    DENSENET,
    DENSENETS,
    RESNETS,
    VGGS,
    convnext_stages,
    is_original,
    usual_eps,
    v1_5,
)
from resnets.models.weights.torchvision import RESNET as TORCHVISION
from resnets.models.weights.torchvision import vgg_features as torchvision_vgg
from resnets.spec import ConvNeXtSpec, DenseNetSpec, DPNSpec, ResNetSpec, VGGSpec

UNIT = "stages.S{stage}.U{unit}"
VARIANTS = {
    "stem.conv1": "conv1.0",
    "stem.norm1": "conv1.1",
    "stem.conv2": "conv1.3",
    "stem.norm2": "conv1.4",
    "stem.conv3": "conv1.6",
    "stem.norm3": "bn1",
    f"{UNIT}.residual.attention.gate.reduce": "layer{stage}.{unit-1}.se.fc1",
    f"{UNIT}.residual.attention.gate.expand": "layer{stage}.{unit-1}.se.fc2",
    f"{UNIT}.residual.attention.gate.conv": "layer{stage}.{unit-1}.se.conv",
    f"{UNIT}.residual.conv2.convolutions.{{part}}.conv": "layer{stage}.{unit-1}.convs.{part}",
    f"{UNIT}.residual.conv2.convolutions.{{part}}.norm": "layer{stage}.{unit-1}.bns.{part}",
}
SELECTIVE = {
    f"{UNIT}.residual.conv2.kernels.{{part}}.conv": "layer{stage}.{unit-1}.conv2.paths.{part}.conv",
    f"{UNIT}.residual.conv2.kernels.{{part}}.norm": "layer{stage}.{unit-1}.conv2.paths.{part}.bn",
    f"{UNIT}.residual.conv2.choice.reduce": "layer{stage}.{unit-1}.conv2.attn.fc_reduce",
    f"{UNIT}.residual.conv2.choice.norm": "layer{stage}.{unit-1}.conv2.attn.bn",
    f"{UNIT}.residual.conv2.choice.select": "layer{stage}.{unit-1}.conv2.attn.fc_select",
    f"{UNIT}.residual.conv{{number}}": "layer{stage}.{unit-1}.conv{number}.conv",
    f"{UNIT}.residual.norm{{number}}": "layer{stage}.{unit-1}.conv{number}.bn",
}
LEGACY_SE = {
    **TORCHVISION,
    "stem.conv": "layer0.conv1",
    "stem.norm": "layer0.bn1",
    f"{UNIT}.residual.attention.gate.reduce": "layer{stage}.{unit-1}.se_module.fc1",
    f"{UNIT}.residual.attention.gate.expand": "layer{stage}.{unit-1}.se_module.fc2",
    "head.linear": "last_linear",
}
"""What Caffe's networks became: `legacy_seresnet50` and its like."""
POOLED_SHORTCUT = {
    f"{UNIT}.shortcut.conv": "layer{stage}.{unit-1}.downsample.1",
    f"{UNIT}.shortcut.norm": "layer{stage}.{unit-1}.downsample.2",
}
RESNETV2 = {
    "stem.conv": "stem.conv",
    f"{UNIT}.preactivation.norm{{number}}": "stages.{stage-1}.blocks.{unit-1}.norm{number}",
    f"{UNIT}.residual.norm{{number}}": "stages.{stage-1}.blocks.{unit-1}.norm{number}",
    f"{UNIT}.residual.conv{{number}}": "stages.{stage-1}.blocks.{unit-1}.conv{number}",
    f"{UNIT}.shortcut.conv": "stages.{stage-1}.blocks.{unit-1}.downsample.conv",
    "final.norm": "norm",
    "head.linear": "head.fc 1x1",
}
DPN = {
    "stem.conv": "features.conv1_1.conv",
    "stem.norm": "features.conv1_1.bn",
    "final.norm": "features.conv5_bn_ac.bn",
    "head.linear": "classifier 1x1",
}
DPN_BRANCH = {"1": "c1x1_a", "2": "c3x3_b", "3": "c1x1_c"}
CONVNEXT_BLOCK = {
    "depthwise": "conv_dw",
    "norm": "norm",
    "expand": "mlp.fc1 flat",
    "reduce": "mlp.fc2 flat",
    "scale.weight": "gamma",
}
OTHER_RESNETS = {
    "resnext101_32x4d": "resnext101_32x4d",
    # not 18 and 34: timm's gates have at least 8 channels, the paper's 64 / 16
    **{f"se_resnet{depth}": f"seresnet{depth}" for depth in (50, 101, 152)},
    "se_resnext50_32x4d": "seresnext50_32x4d",
    "se_resnext101_32x4d": "seresnext101_32x4d",
    "resnet50c": "resnet50c",
    **{f"resnet{depth}d": f"resnet{depth}d" for depth in (18, 34, 50, 101, 152)},
    "eca_resnet50d": "ecaresnet50d",
    "skresnext50_32x4d": "skresnext50_32x4d",
    "res2net50_26w_4s": "res2net50_26w_4s",
    "res2net50_14w_8s": "res2net50_14w_8s",
    "res2net101_26w_4s": "res2net101_26w_4s",
}
"""Beyond those that torchvision has too."""


def resnet(spec: ResNetSpec) -> Mapping[str, str]:
    """Torchvision's rules and those of the variants; a shortcut that pools counts the pool."""
    pooled = POOLED_SHORTCUT if spec.shortcut == "D" else {}
    selective = SELECTIVE if spec.block == "sknet" else {}
    return {**VARIANTS, **TORCHVISION, **pooled, **selective}


def vgg(spec: VGGSpec) -> Mapping[str, str]:
    """VGG's: the hidden layers are convolutions over all that is left of the image."""
    size = spec.pooled_size
    return {
        **torchvision_vgg(spec),
        "head.hidden.layer1.linear": f"pre_logits.fc1 {size}x{size}",
        "head.hidden.layer2.linear": "pre_logits.fc2 1x1",
        "head.linear": "head.fc",
    }


def dpn(spec: DPNSpec) -> Mapping[str, str]:
    """A dual path network's; its stages count from 2, and the first unit of one says whether it steps."""
    rules = dict(DPN)
    for stage in range(1, len(spec.num_blocks) + 1):
        own, theirs = f"stages.S{stage}.U{{unit}}", f"features.conv{stage + 1}_{{unit}}"
        step = "c1x1_w_s1" if stage == 1 else "c1x1_w_s2"
        rules |= {f"{own}.shortcut.conv": f"{theirs}.{step}.conv", f"{own}.shortcut.norm": f"{theirs}.{step}.bn"}
        for number, name in DPN_BRANCH.items():
            rules[f"{own}.branch.conv{number}"] = f"{theirs}.{name}.conv"
            rules[f"{own}.branch.norm{number}"] = f"{theirs}.{name}.bn"
    return rules


def convnext(spec: ConvNeXtSpec) -> Mapping[str, str]:
    """ConvNeXt's: the step to a stage is its own part of it."""
    ends = {"stem.conv": "stem.0", "stem.norm": "stem.1", "final.norm": "head.norm", "head.linear": "head.fc"}
    stages = ((f"stages.{stage}.downsample", f"stages.{stage}.blocks") for stage in range(len(spec.num_blocks)))
    return ends | convnext_stages(stages, CONVNEXT_BLOCK)


LAYOUTS = (
    Layout(
        name="timm",
        family=ResNetSpec,
        rules=resnet,
        takes=is_original,
        demands=v1_5,
        exports={**{name: name for name in RESNETS}, **OTHER_RESNETS},
    ),
    Layout(
        name="timm (legacy SE)",
        family=ResNetSpec,
        rules=lambda spec: LEGACY_SE,  # noqa: ARG005
        takes=lambda spec: is_original(spec) and spec.attention == "se",
        refusal="as in Caffe, the pool of its stem has no padding and rounds its size up, so that it sees other pixels "
        "than ours; timm's networks without `legacy` in their names can be used",
    ),
    Layout(
        name="timm (resnetv2)",
        family=ResNetSpec,
        rules=lambda spec: RESNETV2,  # noqa: ARG005
        takes=lambda spec: spec.ordering == "full_preactivation",
        demands=v1_5,
        exports={f"resnet{depth}_v2": f"resnetv2_{depth}" for depth in (18, 34, 50, 101, 152)},
    ),
    Layout(
        name="timm",
        family=DenseNetSpec,
        rules=lambda spec: DENSENET,  # noqa: ARG005
        demands=usual_eps,
        exports={name: name for name in DENSENETS},
    ),
    Layout(name="timm", family=VGGSpec, rules=vgg, exports={name: name for name in VGGS}),
    Layout(name="timm", family=ConvNeXtSpec, rules=convnext, exports={name: name for name in CONVNEXTS}),
    Layout(
        name="timm",
        family=DPNSpec,
        rules=dpn,
        # timm asks for ELU before the head, but its norm keeps ReLU (1.0.31), which the paper's own code has
        demands=lambda spec, config: {"norm.eps": 1e-3, "final_activation": "relu"},  # noqa: ARG005
        exports={"dpn68": "dpn68", "dpn92": "dpn92"},
    ),
)
