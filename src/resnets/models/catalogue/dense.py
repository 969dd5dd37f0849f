"""Networks that set what a unit finds beside its input instead of adding it."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import DenseNetSpec, DPNSpec, Spec

DENSE: Mapping[str, Spec] = {
    # ImageNet [Huang 2017, Table 1]; 161 is the wide one of the paper's code
    "densenet121": DenseNetSpec(num_blocks=(6, 12, 24, 16)),
    "densenet161": DenseNetSpec(num_blocks=(6, 12, 36, 24), growth=48, stem_width=96),
    "densenet169": DenseNetSpec(num_blocks=(6, 12, 32, 32)),
    "densenet201": DenseNetSpec(num_blocks=(6, 12, 48, 32)),
    # CIFAR [Huang 2017, Table 2]
    "densenet40_12": DenseNetSpec.cifar(40, 12, bottleneck=None, compression=1.0, stem_width=16),
    "densenet_bc100_12": DenseNetSpec.cifar(100, 12),
    "densenet_bc190_40": DenseNetSpec.cifar(190, 40),
    # ImageNet [Chen 2017, Table 1]; 68 is the small one of the paper's code
    "dpn68": DPNSpec(
        num_blocks=(3, 4, 12, 3),
        width=128,
        residual_width=64,
        increments=(16, 32, 32, 64),
        stem_width=10,
        stem_kernel=3,
    ),
    "dpn92": DPNSpec(),
}
