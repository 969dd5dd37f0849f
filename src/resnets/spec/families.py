"""Every family's spec as one type."""

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
from resnets.spec.lenet import LeNetSpec
from resnets.spec.mlp import MLPSpec
from resnets.spec.nin import NiNSpec
from resnets.spec.pyramidnet import PyramidNetSpec
from resnets.spec.resnet import ResNetSpec
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


def spec_from_dict(data: Mapping[str, Any], where: str = "spec") -> Spec:
    """The spec of any family that `values.to_dict` wrote.

    Raises:
        ConfigError: if a setting is unknown, has the wrong type or contradicts another.
    """
    spec: Spec = values.coerce(Spec, data, where)
    return spec
