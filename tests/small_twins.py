"""Small twins of the catalogue's networks: the same kind of net, quick to run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from resnets.spec import (
    AlexNetSpec,
    ConvNeXtSpec,
    DenseNetSpec,
    DPNSpec,
    FractalNetSpec,
    HighwaySpec,
    InceptionResNetSpec,
    InceptionSpec,
    LeNetSpec,
    MLPSpec,
    NiNSpec,
    PyramidNetSpec,
    ResNetSpec,
    RevNetSpec,
    ShakeShakeSpec,
    Spec,
    VGGSpec,
    replace,
)


def _resnet(spec: ResNetSpec) -> ResNetSpec:
    groups, per_group = (2, 32) if spec.groups > 1 else (1, max(32, spec.width_per_group))
    reduction = 2 if spec.attention == "se" else spec.attention_reduction
    num_blocks = tuple(min(units, 2) for units in spec.num_blocks)
    return replace(
        spec, num_blocks=num_blocks, width=4, groups=groups, width_per_group=per_group, attention_reduction=reduction
    )


def _mlp(spec: MLPSpec) -> MLPSpec:
    return replace(spec, hidden=tuple(min(width, 8) for width in spec.hidden))


def _densenet(spec: DenseNetSpec) -> DenseNetSpec:
    return replace(spec, num_blocks=tuple(min(units, 2) for units in spec.num_blocks), growth=4, stem_width=8)


def _lenet(spec: LeNetSpec) -> LeNetSpec:
    return spec


def _alexnet(spec: AlexNetSpec) -> AlexNetSpec:
    return replace(spec, hidden=8, dropout=0.0)  # of 8 numbers it may drop all, and no gradient is left


def _vgg(spec: VGGSpec) -> VGGSpec:
    convs = tuple(min(count, 2) for count in spec.num_convs)
    return replace(spec, num_convs=convs, width=4, hidden=tuple(8 for _ in spec.hidden), dropout=0.0)


def _nin(spec: NiNSpec) -> NiNSpec:
    stages = tuple(dataclasses.replace(stage, widths=tuple(8 for _ in stage.widths)) for stage in spec.stages)
    return replace(spec, stages=stages)


def _highway(spec: HighwaySpec) -> HighwaySpec:
    return replace(spec, num_blocks=tuple(min(units, 2) for units in spec.num_blocks), widths=(4, 6, 8))


def _fractalnet(spec: FractalNetSpec) -> FractalNetSpec:
    """Nothing is dropped, as a column that is would have no gradient."""
    return replace(spec, widths=(4, 6, 8), drop_path=0.0, global_drop_path=0.0)


def _revnet(spec: RevNetSpec) -> RevNetSpec:
    num_blocks = tuple(min(units, 2) for units in spec.num_blocks)
    return replace(spec, num_blocks=num_blocks, widths=(4, 8, 8, 8)[: len(num_blocks)], stem_width=4)


def _pyramidnet(spec: PyramidNetSpec) -> PyramidNetSpec:
    return replace(spec, num_blocks=tuple(min(units, 2) for units in spec.num_blocks), alpha=9, stem_width=4)


def _shakeshake(spec: ShakeShakeSpec) -> ShakeShakeSpec:
    return replace(spec, num_blocks=tuple(min(units, 2) for units in spec.num_blocks), width=6, stem_width=4)


def _convnext(spec: ConvNeXtSpec) -> ConvNeXtSpec:
    """Branches count in full and none is dropped, so that every gradient is felt."""
    num_blocks = tuple(min(units, 2) for units in spec.num_blocks)
    return replace(spec, num_blocks=num_blocks, widths=(4, 6, 8, 8), layer_scale=1.0, stochastic_depth=0.0)


def _dpn(spec: DPNSpec) -> DPNSpec:
    num_blocks = tuple(min(units, 2) for units in spec.num_blocks)
    return replace(spec, num_blocks=num_blocks, width=4, groups=2, residual_width=8, increments=(2, 2, 3, 4))


def _inception(spec: InceptionSpec) -> InceptionSpec:
    share = (
        4 if spec.norm.kind == "none" else 8
    )  # without norms, layers of one or two channels may be dead at the start
    return replace(spec, width=spec.width / share)


def _inception_resnet(spec: InceptionResNetSpec) -> InceptionResNetSpec:
    return replace(spec, width=min(spec.width, 1 / 8), num_blocks=tuple(min(units, 2) for units in spec.num_blocks))


TWINS: Mapping[type[Spec], Callable[[Any], Spec]] = {
    ResNetSpec: _resnet,
    MLPSpec: _mlp,
    DPNSpec: _dpn,
    ConvNeXtSpec: _convnext,
    RevNetSpec: _revnet,
    PyramidNetSpec: _pyramidnet,
    ShakeShakeSpec: _shakeshake,
    FractalNetSpec: _fractalnet,
    HighwaySpec: _highway,
    DenseNetSpec: _densenet,
    AlexNetSpec: _alexnet,
    LeNetSpec: _lenet,
    NiNSpec: _nin,
    VGGSpec: _vgg,
    InceptionSpec: _inception,
    InceptionResNetSpec: _inception_resnet,
}
"""How each family is shrunk."""


def small(spec: Spec) -> Spec:
    """The spec with fewer blocks and channels, and five classes."""
    return replace(TWINS[type(spec)](spec), num_classes=5)


def images_for(spec: Spec, count: int = 2) -> Tensor:
    """Random images that the network takes, not square where it does not ask for that."""
    height = spec.maximum_size or max(40, spec.minimum_size)
    width = spec.maximum_size or max(36, spec.minimum_size)
    return torch.randn(count, spec.in_channels, height, width, generator=torch.Generator().manual_seed(0))
