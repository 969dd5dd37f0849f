"""What a network is: frozen values that print, compare, hash, round-trip through JSON and refuse contradictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from resnets import values
from resnets.spec.alexnet import AlexNetSpec
from resnets.spec.convnext import ConvNeXtSpec
from resnets.spec.densenet import DenseNetSpec
from resnets.spec.dpn import DPNSpec
from resnets.spec.fractalnet import FractalNetSpec
from resnets.spec.highway import HighwaySpec
from resnets.spec.inception import InceptionResNetSpec, InceptionSpec
from resnets.spec.lenet import LeNetSpec, Subsampling
from resnets.spec.mlp import MLPSpec
from resnets.spec.network import ACTIVATIONS, INITIALIZATIONS, Activation, Initialization, NetworkSpec, replace
from resnets.spec.nin import MLPConvSpec, NiNSpec
from resnets.spec.norm import NORM_KINDS, NormKind, NormSpec
from resnets.spec.pyramidnet import PyramidNetSpec
from resnets.spec.resnet import (
    ATTENTIONS,
    ORDERINGS,
    SHORTCUTS,
    Attention,
    Block,
    BranchScale,
    Ordering,
    Pooling,
    ResNetSpec,
    Shortcut,
    Stem,
    StrideIn,
)
from resnets.spec.revnet import RevNetSpec
from resnets.spec.shakeshake import ShakeShakeSpec
from resnets.spec.vgg import VGGSpec

Spec: TypeAlias = (
    ResNetSpec
    | MLPSpec
    | DenseNetSpec
    | LeNetSpec
    | AlexNetSpec
    | VGGSpec
    | NiNSpec
    | HighwaySpec
    | FractalNetSpec
    | RevNetSpec
    | PyramidNetSpec
    | ShakeShakeSpec
    | ConvNeXtSpec
    | DPNSpec
    | InceptionSpec
    | InceptionResNetSpec
)
"""The spec of any family; in JSON the field `family` tells which, and where it is missing it is the first."""

__all__ = [
    "ACTIVATIONS",
    "ATTENTIONS",
    "INITIALIZATIONS",
    "NORM_KINDS",
    "ORDERINGS",
    "SHORTCUTS",
    "Activation",
    "AlexNetSpec",
    "Attention",
    "Block",
    "BranchScale",
    "ConvNeXtSpec",
    "DPNSpec",
    "DenseNetSpec",
    "FractalNetSpec",
    "HighwaySpec",
    "InceptionResNetSpec",
    "InceptionSpec",
    "Initialization",
    "LeNetSpec",
    "MLPConvSpec",
    "MLPSpec",
    "NetworkSpec",
    "NiNSpec",
    "NormKind",
    "NormSpec",
    "Ordering",
    "Pooling",
    "PyramidNetSpec",
    "ResNetSpec",
    "RevNetSpec",
    "ShakeShakeSpec",
    "Shortcut",
    "Spec",
    "Stem",
    "StrideIn",
    "Subsampling",
    "VGGSpec",
    "replace",
    "spec_from_dict",
]


def spec_from_dict(data: Mapping[str, Any], where: str = "spec") -> Spec:
    """The spec of any family that `values.to_dict` wrote.

    Raises:
        ConfigError: if a setting is unknown, has the wrong type or contradicts another.
    """
    spec: Spec = values.coerce(Spec, data, where)
    return spec
