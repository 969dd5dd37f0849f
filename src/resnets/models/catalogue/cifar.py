"""CIFAR's residual networks after 2015: wider ones, ones without norms, and ones whose branches are shaken."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import NormSpec, ResNetSpec, ShakeShakeSpec, Spec

NO_NORM = NormSpec(kind="none")

WIDE_CIFAR: Mapping[str, ResNetSpec] = {
    # depth and widening [Zagoruyko 2016, Table 4]
    f"wrn{depth}_{widening}": ResNetSpec.wide(depth, widening)
    for depth, widening in ((16, 4), (16, 8), (16, 10), (22, 8), (28, 10), (40, 1), (40, 2), (40, 4), (40, 8))
}

WITHOUT_NORMS: Mapping[str, ResNetSpec] = {
    # x + scale F(x), the scale at first zero: in the post-activated net [Bachlechner 2020, eq. 1]
    "resnet110_rezero": ResNetSpec.cifar(110, norm=NO_NORM, branch_scale="scalar", conv_bias=True),
    # and in the pre-activated one [De 2020, section 5]
    "resnet110_skipinit": ResNetSpec.cifar(
        110, norm=NO_NORM, branch_scale="scalar", conv_bias=True, ordering="full_preactivation"
    ),
    "resnet110_fixup": ResNetSpec.cifar(110, norm=NO_NORM, branch_scale="fixup"),  # [Zhang 2019, section 4]
}

SHAKEN: Mapping[str, ShakeShakeSpec] = {
    # channels of the first stage [Gastaldi 2017, Table 1]
    f"shake_shake26_2x{width}d": ShakeShakeSpec(width=width, num_classes=10)
    for width in (32, 64, 96)
}

CIFAR: Mapping[str, Spec] = {**WIDE_CIFAR, **WITHOUT_NORMS, **SHAKEN}
