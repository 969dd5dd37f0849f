"""torchvision's names.

Its bottlenecks take their step in the 3x3 (v1.5), its norms have eps 1e-5, the pool of its stem is padded by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from resnets.models.weights.layout import Config, Layout
from resnets.spec import AlexNetSpec, ConvNeXtSpec, DenseNetSpec, ResNetSpec, VGGSpec

RESNET = {
    "stem.conv": "conv1",
    "stem.norm": "bn1",
    "stages.S{stage}.U{unit}.residual.conv{number}": "layer{stage}.{unit-1}.conv{number}",
    "stages.S{stage}.U{unit}.residual.norm{number}": "layer{stage}.{unit-1}.bn{number}",
    "stages.S{stage}.U{unit}.shortcut.conv": "layer{stage}.{unit-1}.downsample.0",
    "stages.S{stage}.U{unit}.shortcut.norm": "layer{stage}.{unit-1}.downsample.1",
    "head.linear": "fc",
}
DENSENET = {
    "stem.conv": "features.conv0",
    "stem.norm": "features.norm0",
    "stages.S1.U{unit}.composite.norm{number}": "features.denseblock1.denselayer{unit}.norm{number}",
    "stages.S1.U{unit}.composite.conv{number}": "features.denseblock1.denselayer{unit}.conv{number}",
    # later stages begin with the transition, which torchvision sets between them
    "stages.S{stage}.U1.norm": "features.transition{stage-1}.norm",
    "stages.S{stage}.U1.conv": "features.transition{stage-1}.conv",
    "stages.S{stage}.U{unit}.composite.norm{number}": "features.denseblock{stage}.denselayer{unit-1}.norm{number}",
    "stages.S{stage}.U{unit}.composite.conv{number}": "features.denseblock{stage}.denselayer{unit-1}.conv{number}",
    "final.norm": "features.norm5",
    "head.linear": "classifier",
}
DENSENET_OF_2017 = {
    ours: theirs.replace("norm{number}", "norm.{number}").replace("conv{number}", "conv.{number}")
    for ours, theirs in DENSENET.items()
}
"""The files that torchvision offers for download still have these."""
ALEXNET = {
    "stem.conv": "features.0",
    "stages.S1.U1.conv": "features.3",
    "stages.S2.U1.conv": "features.6",
    "stages.S2.U2.conv": "features.8",
    "stages.S2.U3.conv": "features.10",
    "head.hidden.layer1.linear": "classifier.1",
    "head.hidden.layer2.linear": "classifier.4",
    "head.linear": "classifier.6",
}
CONVNEXT_BLOCK = {
    "depthwise": "block.0",
    "norm": "block.2",
    "expand": "block.3 flat",
    "reduce": "block.5 flat",
    "scale.weight": "layer_scale 1x1",
}
RESNETS = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
)  # fmt: skip
DENSENETS = ("densenet121", "densenet161", "densenet169", "densenet201")
VGGS = ("vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn")
CONVNEXTS = ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large")


def v1_5(spec: ResNetSpec, config: Config) -> Mapping[str, Any]:  # noqa: ARG001 - one signature for all layouts
    """The settings of nearly every ResNet that is shared: the step of a bottleneck in its 3x3, PyTorch's eps."""
    step = {"stride_in": "3x3"} if spec.block != "basic" else {}
    return {"norm.eps": 1e-5, **step}


def usual_eps(spec: DenseNetSpec, config: Config) -> Mapping[str, Any]:  # noqa: ARG001
    """PyTorch's eps."""
    return {"norm.eps": 1e-5}


def is_original(spec: ResNetSpec) -> bool:
    """Norm and activation where the first paper has them, in a network of four stages."""
    return spec.ordering == "original" and len(spec.num_blocks) == 4


def vgg_features(spec: VGGSpec) -> dict[str, str]:
    """Convolutions and norms by their place in one long list, in which activations and pools count too."""
    rules, place = {}, 0
    for stage, count in enumerate(spec.num_convs, start=1):
        for unit in range(1, count + 1):
            rules[f"stages.S{stage}.U{unit}.conv"] = f"features.{place}"
            rules[f"stages.S{stage}.U{unit}.norm"] = f"features.{place + 1}"
            place += 3 if spec.batch_norm else 2
        place += 1
    return rules


def vgg(spec: VGGSpec) -> Mapping[str, str]:
    """VGG's."""
    return {
        **vgg_features(spec),
        "head.hidden.layer1.linear": "classifier.0",
        "head.hidden.layer2.linear": "classifier.3",
        "head.linear": "classifier.6",
    }


def convnext(spec: ConvNeXtSpec) -> Mapping[str, str]:
    """ConvNeXt's: stages have the odd places, the steps between them the even ones."""
    ends = {"stem.conv": "features.0.0", "stem.norm": "features.0.1"}
    ends |= {"final.norm": "classifier.0", "head.linear": "classifier.2"}
    stages = ((f"features.{2 * stage}", f"features.{2 * stage + 1}") for stage in range(len(spec.num_blocks)))
    return ends | convnext_stages(stages, CONVNEXT_BLOCK)


def convnext_stages(stages: Iterable[tuple[str, str]], block: Mapping[str, str]) -> dict[str, str]:
    """ConvNeXt's stages: where the step to each and its units are, and what the parts of a unit are called.

    From the second stage on our first unit is the step.
    """
    rules: dict[str, str] = {}
    for stage, (step, units) in enumerate(stages, start=1):
        own = f"stages.S{stage}"
        first = "unit-1" if stage == 1 else "unit-2"
        rules |= {f"{own}.U1.norm": f"{step}.0", f"{own}.U1.conv": f"{step}.1"}
        rules |= {f"{own}.U{{unit}}.residual.{ours}": f"{units}.{{{first}}}.{theirs}" for ours, theirs in block.items()}
    return rules


LAYOUTS = (
    Layout(
        name="torchvision",
        family=ResNetSpec,
        rules=lambda spec: RESNET,  # noqa: ARG005
        takes=is_original,
        demands=v1_5,
        exports={name: name for name in RESNETS},
    ),
    Layout(
        name="torchvision",
        family=DenseNetSpec,
        rules=lambda spec: DENSENET,  # noqa: ARG005
        demands=usual_eps,
        exports={name: name for name in DENSENETS},
    ),
    Layout(
        name="torchvision (2017)",
        family=DenseNetSpec,
        rules=lambda spec: DENSENET_OF_2017,  # noqa: ARG005
        demands=usual_eps,
    ),
    Layout(name="torchvision", family=VGGSpec, rules=vgg, exports={name: name for name in VGGS}),
    Layout(
        name="torchvision",
        family=AlexNetSpec,
        rules=lambda spec: ALEXNET,  # noqa: ARG005
        takes=lambda spec: spec.towers == 1,
        exports={"alexnet": "alexnet"},
    ),
    Layout(name="torchvision", family=ConvNeXtSpec, rules=convnext, exports={name: name for name in CONVNEXTS}),
)
