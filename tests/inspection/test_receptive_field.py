from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.inspection.receptive_field import receptive_field
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.network import Network
from resnets.spec import NiNSpec, ResNetSpec, Spec, VGGSpec, replace
from resnets.spec.nin import MLPConvSpec

PUBLISHED = {
    # [Araujo 2019, appendix]; its ResNets step in the last 3x3 of a stage, which sees as much as v1
    "alexnet": 195,
    "vgg16": 212,
    "resnet50_v1": 483,
    "resnet101_v1": 1027,
    "resnet152_v1": 1507,
    "bn_inception": 699,
    "inception_v3": 1311,
    "inception_v4": 2071,
    "inception_resnet_v2": 3039,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_is_the_published_one(name: str) -> None:
    assert receptive_field(spec_of(name)) == PUBLISHED[name]


@pytest.mark.parametrize("name", ["plain34", "resnet34", "resnet34_v2"])
def test_shortcuts_and_orderings_see_no_more(name: str) -> None:
    stem, step, field = 11, 4, 0
    for units in (3, 4, 6, 3):
        field += 2 * step * 2 * units - (step if step > 4 else 0)  # the first 3x3 of later stages has smaller steps
        step *= 2
    assert receptive_field(spec_of(name)) == stem + field == 899


@pytest.mark.parametrize("n", [1, 2, 5])
def test_cifar_nets_equal_the_closed_formula(n: int) -> None:
    stem, others = 3, 2 * n - 1
    stages = (2 + 2 * others, 2 + 4 * others, 4 + 8 * others)
    assert receptive_field(ResNetSpec.cifar(6 * n + 2)) == stem + sum(stages)


def seen(spec: Spec, size: int) -> int:
    """The pixels whose change reaches the middle feature: all weights positive, every pool a mean."""
    model: Network = build(spec, seed=0).eval()
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, ceil_mode=child.ceil_mode)
                setattr(module, name, pool)
    for parameter in model.parameters():
        parameter.data = torch.ones_like(parameter)
    images = torch.ones(1, spec.in_channels, size, size, dtype=torch.float64, requires_grad=True)
    features = model.double().final(model.stages(model.stem(images)))
    features[0, 0, features.shape[2] // 2, features.shape[3] // 2].backward()
    assert images.grad is not None
    rows = images.grad.sum((0, 1, 3)).nonzero()
    return int(rows.max() - rows.min()) + 1


@pytest.mark.parametrize(
    "spec",
    [
        ResNetSpec.cifar(14, width=2),
        ResNetSpec.cifar(14, width=2, shortcut="B", ordering="full_preactivation"),
        ResNetSpec(num_blocks=(1, 1), width=2, block="bottleneck", stride_in="3x3"),
        ResNetSpec(num_blocks=(1, 1, 1), width=2, stem="pooled", output_stride=8),
        VGGSpec(num_convs=(1, 2, 1), width=2, hidden=(), pooled_size=1),
        NiNSpec(stages=(MLPConvSpec(kernel=5, stride=2, widths=(2, 2)), MLPConvSpec(kernel=3, widths=(2,)))),
    ],
    ids=lambda spec: type(spec).__name__,
)
def test_is_what_gradients_reach(spec: Spec) -> None:
    assert receptive_field(spec) == seen(spec, 160)


@pytest.mark.parametrize("name", ["perceptron", "mlp3x100", "lenet5"])
def test_is_the_whole_image_behind_a_linear_layer(name: str) -> None:
    assert receptive_field(spec_of(name)) is None


def test_ignores_what_is_behind_the_features() -> None:
    spec = replace(spec_of("resnet20"), pooling="max", num_classes=3)
    assert receptive_field(spec) == receptive_field(spec_of("resnet20"))


def test_a_reversible_stage_is_seen_through() -> None:
    spec = spec_of("revnet38")
    assert receptive_field(spec) is not None
