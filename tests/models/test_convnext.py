from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.layers.stochastic_depth import StochasticDepth
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import ConvNeXtSpec, replace

TORCHVISION = {
    # parameters, and multiply-adds in G as its metadata rounds them
    "convnext_tiny": (28_589_128, 4.456),
    "convnext_small": (50_223_688, 8.684),
    "convnext_base": (88_591_464, 15.355),
    "convnext_large": (197_767_336, 34.361),
}

SMALL = ConvNeXtSpec(num_blocks=(1, 2), widths=(4, 6), patch_size=2, layer_scale=0.5, num_classes=5)


def counts(spec: ConvNeXtSpec, size: int) -> tuple[int, int]:
    """Parameters and MACs by arithmetic alone."""
    first = spec.widths[0]
    size //= spec.patch_size
    weights = spec.patch_size**2 * spec.in_channels * first
    parameters, macs = weights + first + 2 * first, weights * size**2
    for stage, (width, units) in enumerate(zip(spec.widths, spec.num_blocks, strict=True)):
        if stage:
            before = spec.widths[stage - 1]
            size //= 2
            parameters += 2 * before + 4 * before * width + width
            macs += 4 * before * width * size**2
        weights = 49 * width + 2 * 4 * width * width
        parameters += units * (weights + width + 2 * width + 4 * width + width + width)
        macs += units * weights * size**2
    width = spec.widths[-1]
    return parameters + 2 * width + (width + 1) * spec.num_classes, macs + width * spec.num_classes


def functional_convnext(p: Mapping[str, Tensor], x: Tensor, spec: ConvNeXtSpec) -> Tensor:
    """A ConvNeXt in evaluation mode without modules and with its channels last, from its state."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
        return (x - mean) / (variance + 1e-6).sqrt() * p[f"{name}.weight"] + p[f"{name}.bias"]

    def patches(x: Tensor, name: str) -> Tensor:
        weight = p[f"{name}.weight"]
        return functional.conv2d(x.movedim(-1, 1), weight, p[f"{name}.bias"], stride=weight.shape[-1]).movedim(1, -1)

    x = norm(patches(x.movedim(1, -1), "stem.conv"), "stem.norm")
    for stage, units in enumerate(spec.num_blocks, start=1):
        if stage > 1:
            x = patches(norm(x, f"stages.S{stage}.U1.norm"), f"stages.S{stage}.U1.conv")
        for number in range(units):
            f = f"stages.S{stage}.U{number + 1 + (stage > 1)}.residual"
            weight, bias = p[f"{f}.depthwise.weight"], p[f"{f}.depthwise.bias"]
            y = functional.conv2d(x.movedim(-1, 1), weight, bias, padding=3, groups=len(weight)).movedim(1, -1)
            y = functional.linear(norm(y, f"{f}.norm"), p[f"{f}.expand.weight"].flatten(1), p[f"{f}.expand.bias"])
            y = functional.linear(functional.gelu(y), p[f"{f}.reduce.weight"].flatten(1), p[f"{f}.reduce.bias"])
            x = x + p[f"{f}.scale.weight"] * y
    return functional.linear(norm(x.mean((1, 2)), "final.norm"), p["head.linear.weight"], p["head.linear.bias"])


@pytest.mark.parametrize("name", TORCHVISION)
def test_counts_are_torchvisions_and_the_closed_formulas(name: str) -> None:
    spec = spec_of(name)
    assert isinstance(spec, ConvNeXtSpec)
    cost = complexity(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, 224)
    assert cost.parameters == TORCHVISION[name][0]
    assert cost.macs / 1e9 == pytest.approx(TORCHVISION[name][1], abs=1e-3), "within rounding"


def test_network_equals_the_functional_one() -> None:
    model = build(SMALL, seed=0).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.5, generator=generator)
    images = torch.randn(2, 3, 11, 14, generator=generator)
    torch.testing.assert_close(model(images), functional_convnext(model.state_dict(), images, SMALL))


def test_weights_start_as_in_the_paper() -> None:
    model = build(ConvNeXtSpec(num_blocks=(1, 1), widths=(32, 64)), seed=0)
    for name, parameter in model.named_parameters():
        if name.endswith("scale.weight"):
            assert parameter.eq(1e-6).all()
        elif "norm" in name or (name.endswith("bias") and "head" not in name):
            assert parameter.eq(1 if name.endswith("weight") else 0).all(), name
        elif "head" not in name:
            assert float(parameter.detach().std()) == pytest.approx(0.02, rel=0.1), name


def test_later_units_are_dropped_more_often() -> None:
    assert ConvNeXtSpec(stochastic_depth=0.3, num_blocks=(1, 3), widths=(4, 4)).drop_rates == pytest.approx(
        (0, 0.1, 0.2, 0.3)
    )
    assert ConvNeXtSpec(stochastic_depth=0.3, num_blocks=(1,), widths=(4,)).drop_rates == (0.0,)
    model = build(replace(SMALL, stochastic_depth=0.5), seed=0)
    assert [module.survival for module in model.modules() if isinstance(module, StochasticDepth)] == [0.75, 0.5]


@pytest.mark.parametrize("patch_size", [1, 2, 4])
def test_small_images_take_small_patches(patch_size: int) -> None:
    spec = replace(SMALL, patch_size=patch_size, in_channels=1)
    assert spec.usual_input[1] == (224 if patch_size == 4 else 28)
    model = build(spec, seed=0).eval()
    least = 2 * patch_size
    assert model(torch.randn(1, 1, least, least)).shape == (1, 5)
    with pytest.raises(DataError, match=f"at least {least}x{least}"):
        model(torch.randn(1, 1, least, least - 1))


def test_without_layer_scale_there_are_no_scales() -> None:
    scales = sum(spec_units * width for spec_units, width in zip(SMALL.num_blocks, SMALL.widths, strict=True))
    plain = complexity(replace(SMALL, layer_scale=None), (3, 8, 8)).parameters
    assert complexity(SMALL, (3, 8, 8)).parameters - plain == scales


def test_steps_between_stages_are_units_of_their_own() -> None:
    rows = structure(SMALL, (3, 8, 8))
    assert rows[0].kind == "patches of 2x2"
    assert [(row.label, row.kind, row.shortcut, row.stride) for row in rows[1:-2]] == [
        ("S1U1", "convnext", "identity", 1), ("S2U1", "downsample", "none", 2),
        ("S2U2", "convnext", "identity", 1), ("S2U3", "convnext", "identity", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": (4, 4, 4)}, "widths has 3 entries for 2 stages"),
        ({"patch_size": 0}, "patch_size must be from 1 to 32, got 0"),
        ({"layer_scale": 0.0}, "layer_scale must be above 0 and at most 1, or none; got 0.0"),
        ({"stochastic_depth": 1.0}, "stochastic_depth must be at least 0 and below 1, got 1.0"),
        ({"norm_eps": 0.0}, "norm_eps must be between 0 and 1, got 0.0"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **changes)
