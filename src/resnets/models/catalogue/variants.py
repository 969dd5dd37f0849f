"""What the residual network became: its variants with other branches, shortcuts and stems."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.models.catalogue.residual import CLASSIC
from resnets.spec import ResNetSpec, replace

RESNET50, RESNET101 = CLASSIC["resnet50"], CLASSIC["resnet101"]
CIFAR29 = ResNetSpec.cifar_bottleneck(29, width=64, stride_in="3x3")

RESNEXT: Mapping[str, ResNetSpec] = {
    # groups x channels in each [Xie 2017, Tables 1 and 2]
    "resnext50_32x4d": replace(RESNET50, groups=32, width_per_group=4),
    "resnext101_32x4d": replace(RESNET101, groups=32, width_per_group=4),
    "resnext101_32x8d": replace(RESNET101, groups=32, width_per_group=8),
    "resnext101_64x4d": replace(RESNET101, groups=64, width_per_group=4),
    # CIFAR [Xie 2017, section 5.3]
    "resnext29_8x64d": replace(CIFAR29, groups=8),
    "resnext29_16x64d": replace(CIFAR29, groups=16),
}

WIDE: Mapping[str, ResNetSpec] = {
    # the 3x3 of every bottleneck is twice as wide [Zagoruyko 2016, section 3]
    "wide_resnet50_2": replace(RESNET50, width_per_group=128),
    "wide_resnet101_2": replace(RESNET101, width_per_group=128),
}

VARIANTS: Mapping[str, ResNetSpec] = {**RESNEXT, **WIDE}
