"""What the residual network became: its variants with other branches, shortcuts and stems."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.models.catalogue.residual import CLASSIC
from resnets.spec import ResNetSpec, replace

IMAGENET = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
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

ATTENTION: Mapping[str, ResNetSpec] = {
    # squeeze and excitation at the end of every branch [Hu 2017, section 3]
    **{
        f"se_{name}": replace(CLASSIC[name], attention="se")
        for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
    },
    "se_resnext50_32x4d": replace(RESNEXT["resnext50_32x4d"], attention="se"),
    "se_resnext101_32x4d": replace(RESNEXT["resnext101_32x4d"], attention="se"),
    # efficient channel attention [Wang 2019, section 3.3]
    "eca_resnet50": replace(RESNET50, attention="eca"),
    "eca_resnet101": replace(RESNET101, attention="eca"),
}

TWEAKED: Mapping[str, ResNetSpec] = {
    # C: three 3x3 in the stem; D: means of pixels before a projection with a step, too [He 2018, section 4.2]
    "resnet50c": replace(RESNET50, stem="deep"),
    **{
        f"{name}d": replace(CLASSIC[name], stem="deep", shortcut="D")
        for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
    },
    "eca_resnet50d": replace(RESNET50, stem="deep", shortcut="D", attention="eca"),
}

MULTISCALE: Mapping[str, ResNetSpec] = {
    # width of a part and parts of a 3x3 [Gao 2019, section 4.2]
    "res2net50_26w_4s": replace(RESNET50, block="res2net", width_per_group=26),
    "res2net50_14w_8s": replace(RESNET50, block="res2net", width_per_group=14, scale=8),
    "res2net101_26w_4s": replace(RESNET101, block="res2net", width_per_group=26),
    # SKNet-50 of the paper [Li 2019, Table 1]
    "skresnext50_32x4d": replace(RESNEXT["resnext50_32x4d"], block="sknet"),
}

VARIANTS: Mapping[str, ResNetSpec] = {**RESNEXT, **WIDE, **ATTENTION, **TWEAKED, **MULTISCALE}
