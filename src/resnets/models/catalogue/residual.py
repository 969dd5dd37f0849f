"""The residual networks of He 2015 and He 2016, and their plain twins."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import ResNetSpec, replace

DIGITS = ResNetSpec(
    num_blocks=(1, 1), width=32, stem="pooled", shortcut="D", pooling="max", in_channels=1, num_classes=10
)

CLASSIC: Mapping[str, ResNetSpec] = {
    # ImageNet [He 2015, Table 1]; v1.5: the step of a bottleneck in its 3x3, as most libraries ship it
    "resnet18": ResNetSpec(num_blocks=(2, 2, 2, 2)),
    "resnet34": ResNetSpec(num_blocks=(3, 4, 6, 3)),
    "resnet50": ResNetSpec(num_blocks=(3, 4, 6, 3), block="bottleneck", stride_in="3x3"),
    "resnet101": ResNetSpec(num_blocks=(3, 4, 23, 3), block="bottleneck", stride_in="3x3"),
    "resnet152": ResNetSpec(num_blocks=(3, 8, 36, 3), block="bottleneck", stride_in="3x3"),
    # v1: the step in the first 1x1, as the paper has it
    "resnet50_v1": ResNetSpec(num_blocks=(3, 4, 6, 3), block="bottleneck"),
    "resnet101_v1": ResNetSpec(num_blocks=(3, 4, 23, 3), block="bottleneck"),
    "resnet152_v1": ResNetSpec(num_blocks=(3, 8, 36, 3), block="bottleneck"),
    # CIFAR, 6n+2 [He 2015, section 4.2]
    "resnet20": ResNetSpec.cifar(20),
    "resnet32": ResNetSpec.cifar(32),
    "resnet44": ResNetSpec.cifar(44),
    "resnet56": ResNetSpec.cifar(56),
    "resnet110": ResNetSpec.cifar(110),
    "resnet1202": ResNetSpec.cifar(1202),
    # CIFAR, 9n+2 [He 2016, Table 4]
    "resnet164": ResNetSpec.cifar_bottleneck(164),
    "resnet1001": ResNetSpec.cifar_bottleneck(1001),
    # our own, for 28x28 grey images and little time: the presets train them
    "resnet6": DIGITS,
    "resnet6_w64": replace(DIGITS, width=64, stem_width=32),
    "resnet8": replace(DIGITS, num_blocks=(1, 1, 1), stem="medium"),
}

V2: Mapping[str, ResNetSpec] = {
    # full pre-activation [He 2016, Figure 4 (e)]
    f"{name}_v2": replace(CLASSIC[name], ordering="full_preactivation")
    for name in (
        "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet110", "resnet164", "resnet1001"
    )
}  # fmt: skip

RESIDUAL: Mapping[str, ResNetSpec] = {**CLASSIC, **V2}

PLAIN: Mapping[str, ResNetSpec] = {name.replace("resnet", "plain"): spec.plain for name, spec in RESIDUAL.items()}
