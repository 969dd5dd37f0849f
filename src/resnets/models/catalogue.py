"""The networks by name: a published one is one line, its plain twin none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from resnets.errors import ConfigError, suggestion
from resnets.models.resnet import ResNet, build
from resnets.spec import ResNetSpec, replace

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
    "resnet6": ResNetSpec(num_blocks=(1, 1), width=32, stem="pooled", pooling="max", in_channels=1, num_classes=10),
    "resnet6_w64": ResNetSpec(
        num_blocks=(1, 1),
        width=64,
        stem="pooled",
        stem_width=32,
        pooling="max",
        in_channels=1,
        num_classes=10,
    ),
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

CATALOGUE: Mapping[str, ResNetSpec] = {**RESIDUAL, **PLAIN}

ANY_DEPTH = re.compile(r"cifar_(resnet|plain)(\d{1,6})")
"""Names of the CIFAR nets of any depth 6n+2, e.g. `cifar_resnet26`."""


def names() -> list[str]:
    """Every name of the catalogue, in its order."""
    return list(CATALOGUE)


def spec_of(name: str) -> ResNetSpec:
    """The spec of a network by its name.

    Raises:
        ConfigError: if there is no such network (with a suggestion), or its depth is not 6n+2.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    if match := ANY_DEPTH.fullmatch(name):
        spec = ResNetSpec.cifar(int(match[2]))
        return spec.plain if match[1] == "plain" else spec
    raise ConfigError(
        f"There is no network '{name}'.{suggestion(name, CATALOGUE)} "
        f"`resnets models` lists all {len(CATALOGUE)}; a CIFAR net of any depth 6n+2 is cifar_resnet<depth> or "
        "cifar_plain<depth>."
    )


def create(name: str, *, seed: int | None = None, **changes: Any) -> ResNet:
    """A network by its name, with any settings of its spec changed, e.g. `num_classes=10, stem="small"`.

    Raises:
        ConfigError: if the name or a setting is unknown, or the settings contradict each other.
    """
    return build(replace(spec_of(name), **changes), seed)


def usual_input(spec: ResNetSpec) -> tuple[int, int, int]:
    """The image that a network is usually counted at, (channels, height, width): ImageNet's, MNIST's or CIFAR's."""
    size = 224 if spec.stem == "large" else 28 if spec.in_channels == 1 else 32
    return spec.in_channels, size, size
