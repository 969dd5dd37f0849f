"""Pyramidal residual networks: by depth and by what all units together add to the width."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import PyramidNetSpec

PYRAMID: Mapping[str, PyramidNetSpec] = {
    # CIFAR [Han 2017, Table 4]; `bn` is for bottlenecks
    "pyramidnet110_a48": PyramidNetSpec.cifar(110, 48),
    "pyramidnet110_a84": PyramidNetSpec.cifar(110, 84),
    "pyramidnet110_a270": PyramidNetSpec.cifar(110, 270),
    "pyramidnet164_a270_bn": PyramidNetSpec.cifar(164, 270, block="bottleneck"),
    "pyramidnet200_a240_bn": PyramidNetSpec.cifar(200, 240, block="bottleneck"),
    "pyramidnet236_a220_bn": PyramidNetSpec.cifar(236, 220, block="bottleneck"),
    "pyramidnet272_a200_bn": PyramidNetSpec.cifar(272, 200, block="bottleneck"),
    # ImageNet, a net of the authors' code
    "pyramidnet101_a360": PyramidNetSpec(
        num_blocks=(3, 4, 23, 3), alpha=360, block="bottleneck", stem="large", stem_width=64
    ),
}
