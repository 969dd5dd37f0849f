"""From the spec of any family to its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, overload

import torch

from resnets.models.alexnet import AlexNet
from resnets.models.convnext import ConvNeXt
from resnets.models.densenet import DenseNet
from resnets.models.dpn import DPN
from resnets.models.fractalnet import FractalNet
from resnets.models.highway import HighwayNet
from resnets.models.inception import Inception, inception
from resnets.models.lenet import LeNet
from resnets.models.memory import check_fits
from resnets.models.mlp import MLP
from resnets.models.network import Network
from resnets.models.nin import NiN
from resnets.models.pyramidnet import PyramidNet
from resnets.models.resnet import ResNet
from resnets.models.revnet import RevNet
from resnets.models.shakeshake import ShakeShake
from resnets.models.vgg import VGG
from resnets.models.without_storage import WithoutStorage
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
)

FAMILIES: Mapping[type[Spec], Callable[[Any], Network]] = {
    AlexNetSpec: AlexNet,
    DenseNetSpec: DenseNet,
    LeNetSpec: LeNet,
    HighwaySpec: HighwayNet,
    FractalNetSpec: FractalNet,
    RevNetSpec: RevNet,
    PyramidNetSpec: PyramidNet,
    ShakeShakeSpec: ShakeShake,
    ConvNeXtSpec: ConvNeXt,
    DPNSpec: DPN,
    InceptionResNetSpec: Inception,
    InceptionSpec: inception,
    MLPSpec: MLP,
    NiNSpec: NiN,
    ResNetSpec: ResNet,
    VGGSpec: VGG,
}


def outline(spec: Spec) -> Network:
    """The network that a spec describes, on the meta device: shapes without weights, made in a fraction of the time."""
    with WithoutStorage():
        return FAMILIES[type(spec)](spec)


@overload
def build(spec: ResNetSpec, seed: int | None = None) -> ResNet: ...
@overload
def build(spec: Spec, seed: int | None = None) -> Network: ...
def build(spec: Spec, seed: int | None = None) -> Network:
    """The network that a spec describes.

    With a seed, its weights depend on nothing else, not even the device, and the global generator is left alone. The
    modules are laid out without storage first, so that PyTorch's own initialisation, soon overwritten, costs nothing.

    Raises:
        ResourceError: if the machine's memory cannot hold the weights.
    """
    device = torch.get_default_device()
    model = outline(spec)
    if device.type == "meta":
        return model
    check_fits(sum(parameter.numel() for parameter in model.parameters()))
    model.to_empty(device="cpu")
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
        model.reset_parameters()
    return model.to(device)
