"""Networks that were deep before the residual network, without it, or by other means."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import ConvNeXtSpec, FractalNetSpec, HighwaySpec, RevNetSpec, Spec

RELATIVES: Mapping[str, Spec] = {
    # CIFAR [Srivastava 2015, Table 1]: 19 layers as in the authors' code; of the 32 layers only the widths are ours
    "highway19": HighwaySpec(last_width=100, dropout=0.2, num_classes=10),
    "highway32": HighwaySpec(num_blocks=(10, 9, 9), widths=(32, 48, 64), num_classes=10),
    # CIFAR: the net of [Larsson 2016, section 4], and the narrow ones of Table 3
    "fractalnet20": FractalNetSpec(num_classes=10),
    "fractalnet20_w16": FractalNetSpec(widths=(16, 32, 64, 128, 128), num_classes=10),
    "fractalnet40_w16": FractalNetSpec(columns=4, widths=(16, 32, 64, 128, 128), num_classes=10),
    # reversible [Gomez 2017, Table 2]; the ImageNet net of 56 layers is that of the paper's code
    "revnet38": RevNetSpec(num_blocks=(3, 3, 3), widths=(32, 64, 112), num_classes=10),
    "revnet110": RevNetSpec(num_blocks=(9, 9, 9), widths=(32, 64, 128), num_classes=10),
    "revnet164": RevNetSpec(num_blocks=(9, 9, 9), widths=(32, 64, 128), block="bottleneck", num_classes=10),
    "revnet56": RevNetSpec(
        num_blocks=(2, 2, 3, 2), widths=(128, 256, 512, 832), block="bottleneck", stem="large", stem_width=128
    ),
    "revnet104": RevNetSpec(
        num_blocks=(2, 2, 11, 2), widths=(128, 256, 512, 832), block="bottleneck", stem="large", stem_width=128
    ),
    # ImageNet [Liu 2022, section 3.1], with the rates of appendix A.1 for training on ImageNet-1k
    "convnext_tiny": ConvNeXtSpec(stochastic_depth=0.1),
    "convnext_small": ConvNeXtSpec(num_blocks=(3, 3, 27, 3), stochastic_depth=0.4),
    "convnext_base": ConvNeXtSpec(num_blocks=(3, 3, 27, 3), widths=(128, 256, 512, 1024), stochastic_depth=0.5),
    "convnext_large": ConvNeXtSpec(num_blocks=(3, 3, 27, 3), widths=(192, 384, 768, 1536), stochastic_depth=0.5),
}
