"""What a network is: frozen values that print, compare, hash, round-trip through JSON and refuse contradictions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resnets.spec.alexnet import AlexNetSpec as AlexNetSpec
    from resnets.spec.convnext import ConvNeXtSpec as ConvNeXtSpec
    from resnets.spec.densenet import DenseNetSpec as DenseNetSpec
    from resnets.spec.dpn import DPNSpec as DPNSpec
    from resnets.spec.families import Spec as Spec
    from resnets.spec.families import spec_from_dict as spec_from_dict
    from resnets.spec.fractalnet import FractalNetSpec as FractalNetSpec
    from resnets.spec.highway import HighwaySpec as HighwaySpec
    from resnets.spec.inception import InceptionResNetSpec as InceptionResNetSpec
    from resnets.spec.inception import InceptionSpec as InceptionSpec
    from resnets.spec.lenet import LeNetSpec as LeNetSpec
    from resnets.spec.lenet import Subsampling as Subsampling
    from resnets.spec.mlp import MLPSpec as MLPSpec
    from resnets.spec.network import ACTIVATIONS as ACTIVATIONS
    from resnets.spec.network import INITIALIZATIONS as INITIALIZATIONS
    from resnets.spec.network import Activation as Activation
    from resnets.spec.network import Initialization as Initialization
    from resnets.spec.network import NetworkSpec as NetworkSpec
    from resnets.spec.network import replace as replace
    from resnets.spec.nin import MLPConvSpec as MLPConvSpec
    from resnets.spec.nin import NiNSpec as NiNSpec
    from resnets.spec.norm import NORM_KINDS as NORM_KINDS
    from resnets.spec.norm import NormKind as NormKind
    from resnets.spec.norm import NormSpec as NormSpec
    from resnets.spec.pyramidnet import PyramidNetSpec as PyramidNetSpec
    from resnets.spec.resnet import ATTENTIONS as ATTENTIONS
    from resnets.spec.resnet import ORDERINGS as ORDERINGS
    from resnets.spec.resnet import SHORTCUTS as SHORTCUTS
    from resnets.spec.resnet import Attention as Attention
    from resnets.spec.resnet import Block as Block
    from resnets.spec.resnet import BranchScale as BranchScale
    from resnets.spec.resnet import Ordering as Ordering
    from resnets.spec.resnet import Pooling as Pooling
    from resnets.spec.resnet import ResNetSpec as ResNetSpec
    from resnets.spec.resnet import Shortcut as Shortcut
    from resnets.spec.resnet import Stem as Stem
    from resnets.spec.resnet import StrideIn as StrideIn
    from resnets.spec.revnet import RevNetSpec as RevNetSpec
    from resnets.spec.shakeshake import ShakeShakeSpec as ShakeShakeSpec
    from resnets.spec.vgg import VGGSpec as VGGSpec

_HOMES = {
    "ACTIVATIONS": "network",
    "ATTENTIONS": "resnet",
    "Activation": "network",
    "AlexNetSpec": "alexnet",
    "Attention": "resnet",
    "Block": "resnet",
    "BranchScale": "resnet",
    "ConvNeXtSpec": "convnext",
    "DPNSpec": "dpn",
    "DenseNetSpec": "densenet",
    "FractalNetSpec": "fractalnet",
    "HighwaySpec": "highway",
    "INITIALIZATIONS": "network",
    "InceptionResNetSpec": "inception",
    "InceptionSpec": "inception",
    "Initialization": "network",
    "LeNetSpec": "lenet",
    "MLPConvSpec": "nin",
    "MLPSpec": "mlp",
    "NORM_KINDS": "norm",
    "NetworkSpec": "network",
    "NiNSpec": "nin",
    "NormKind": "norm",
    "NormSpec": "norm",
    "ORDERINGS": "resnet",
    "Ordering": "resnet",
    "Pooling": "resnet",
    "PyramidNetSpec": "pyramidnet",
    "ResNetSpec": "resnet",
    "RevNetSpec": "revnet",
    "SHORTCUTS": "resnet",
    "ShakeShakeSpec": "shakeshake",
    "Shortcut": "resnet",
    "Spec": "families",
    "Stem": "resnet",
    "StrideIn": "resnet",
    "Subsampling": "lenet",
    "VGGSpec": "vgg",
    "replace": "network",
    "spec_from_dict": "families",
}
"""Name -> the file it lives in. Loaded on first use: the options of a command need a few of sixteen families."""

__all__ = [*_HOMES]  # noqa: PLE0604 - the names are those of the table


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'resnets.spec' has no attribute '{name}'")
    return getattr(importlib.import_module(f"resnets.spec.{_HOMES[name]}"), name)
