"""CIFAR's residual networks after 2015: wider ones, and ones without norms."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import NormSpec, ResNetSpec

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

CIFAR: Mapping[str, ResNetSpec] = {**WIDE_CIFAR, **WITHOUT_NORMS}
