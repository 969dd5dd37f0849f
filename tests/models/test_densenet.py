from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from oracles import scramble_norms
from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import DenseNetSpec, replace

PUBLISHED = {
    # torchvision's metadata; the CIFAR nets as in the README of the paper's code (1.0M, 0.8M, 25.6M), to the unit
    "densenet121": (7_978_856, 2.834e9),
    "densenet161": (28_681_000, 7.728e9),
    "densenet169": (14_149_480, 3.360e9),
    "densenet201": (20_013_928, 4.291e9),
    "densenet40_12": (1_019_722, 265e6),
    "densenet_bc100_12": (769_162, 288e6),
    "densenet_bc190_40": (25_624_430, 9_302e6),
}

SMALL = DenseNetSpec(num_blocks=(2, 3), growth=3, stem="small", stem_width=4, num_classes=5)


def counts(spec: DenseNetSpec, size: int) -> tuple[int, int]:
    """Parameters and MACs by arithmetic alone."""
    parameters = macs = 0

    def convolve(kernel: int, inputs: int, outputs: int, *, norm: int) -> None:
        nonlocal parameters, macs
        weights = kernel * kernel * inputs * outputs
        parameters += weights + 2 * norm
        macs += weights * size * size

    channels = spec.stem_width
    if spec.stem == "large":
        size = -(-size // 2)
        convolve(7, spec.in_channels, channels, norm=channels)
        size = -(-size // 2)
    else:
        convolve(3, spec.in_channels, channels, norm=0)
    for stage, units in enumerate(spec.num_blocks):
        if stage:
            convolve(1, channels, int(channels * spec.compression), norm=channels)
            channels, size = int(channels * spec.compression), size // 2
        for _ in range(units):
            if spec.bottleneck:
                convolve(1, channels, spec.bottleneck * spec.growth, norm=channels)
            width = spec.bottleneck * spec.growth if spec.bottleneck else channels
            convolve(3, width, spec.growth, norm=width)
            channels += spec.growth
    head = channels * spec.num_classes
    return parameters + 2 * channels + head + spec.num_classes, macs + head


def functional_densenet(p: Mapping[str, Tensor], x: Tensor, spec: DenseNetSpec) -> Tensor:
    """A DenseNet in evaluation mode without modules, from its state."""

    def bn_relu(x: Tensor, name: str) -> Tensor:
        statistics = p[f"{name}.running_mean"], p[f"{name}.running_var"]
        return functional.relu(functional.batch_norm(x, *statistics, p[f"{name}.weight"], p[f"{name}.bias"]))

    if spec.stem == "large":
        x = bn_relu(functional.conv2d(x, p["stem.conv.weight"], stride=2, padding=3), "stem.norm")
        x = functional.max_pool2d(x, 3, 2, 1)
    else:
        x = functional.conv2d(x, p["stem.conv.weight"], padding=1)
    for stage, units in enumerate(spec.num_blocks, start=1):
        if stage > 1:
            conv = p[f"stages.S{stage}.U1.conv.weight"]
            x = functional.avg_pool2d(functional.conv2d(bn_relu(x, f"stages.S{stage}.U1.norm"), conv), 2)
        outputs = [x]
        for number in range(units):
            unit = f"stages.S{stage}.U{number + 1 + (stage > 1)}.composite"
            h = torch.cat(outputs, dim=1)
            for layer in range(1, 3 if spec.bottleneck else 2):
                weight = p[f"{unit}.conv{layer}.weight"]
                h = functional.conv2d(bn_relu(h, f"{unit}.norm{layer}"), weight, padding=weight.shape[-1] // 2)
            outputs.append(h)
        x = torch.cat(outputs, dim=1)
    return functional.linear(bn_relu(x, "final.norm").mean((2, 3)), p["head.linear.weight"], p["head.linear.bias"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones_and_the_closed_formulas(name: str) -> None:
    spec = spec_of(name)
    assert isinstance(spec, DenseNetSpec)
    cost = complexity(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, spec.usual_input[1])
    assert cost.parameters == PUBLISHED[name][0]
    assert cost.macs == pytest.approx(PUBLISHED[name][1], rel=2e-3), "within rounding"


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name[8:].isdigit()])
def test_depth_is_the_one_in_the_name(name: str) -> None:
    assert spec_of(name).depth == int(name[8:])
    assert spec_of("densenet_bc190_40").depth == 190


@pytest.mark.parametrize("changes", [{}, {"stem": "large"}, {"bottleneck": None, "compression": 1.0}, {"dropout": 0.3}])
def test_network_equals_the_functional_one(changes: dict[str, Any]) -> None:
    model = build(replace(SMALL, **changes), seed=0).eval()
    scramble_norms(model)
    images = torch.randn(2, 3, 17, 20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        model(images), functional_densenet(model.state_dict(), images, replace(SMALL, **changes))
    )


def test_a_unit_changes_nothing_of_what_it_finds() -> None:
    model = build(SMALL, seed=0)
    x = torch.randn(2, 4, 6, 6)
    y = model.stages[0](x)
    assert y.shape == (2, 4 + 2 * 3, 6, 6)
    torch.testing.assert_close(y[:, :4], x, rtol=0, atol=0)


def test_transitions_are_the_first_units_of_the_stages_they_lead_to() -> None:
    rows = structure(SMALL, (3, 12, 12))
    assert [(row.label, row.kind, row.stride) for row in rows[1:-2]] == [
        ("S1U1", "dense", 1), ("S1U2", "dense", 1),
        ("S2U1", "transition", 2), ("S2U2", "dense", 1), ("S2U3", "dense", 1), ("S2U4", "dense", 1),
    ]  # fmt: skip
    assert [row.output_shape[0] for row in rows[1:-2]] == [7, 10, 5, 8, 11, 14]


def test_dropout_acts_in_training_alone() -> None:
    model = build(replace(SMALL, dropout=0.5), seed=0)
    images = torch.randn(4, 3, 8, 8)
    assert not torch.equal(model(images), model(images))
    assert sum(isinstance(module, nn.Dropout) for module in model.stages.modules()) == 5


@pytest.mark.parametrize(
    "spec", [DenseNetSpec(num_blocks=(1, 1, 1, 1), growth=2, stem_width=4), replace(SMALL, num_blocks=(1, 1, 1))]
)
def test_the_smallest_image_works_and_a_smaller_one_is_refused(spec: DenseNetSpec) -> None:
    model = build(spec).eval()
    least = spec.minimum_size
    assert model(torch.randn(1, 3, least, least)).isfinite().all()
    assert model.stages(model.stem(torch.randn(1, 3, least, least))).shape[2:] == (1, 1)
    with pytest.raises(DataError, match=f"at least {least}x{least}"):
        model(torch.randn(1, 3, least - 1, least))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"growth": 0}, "growth must be from 1 to 65,536, got 0"),
        ({"stem_width": 0}, "stem_width must be from 1 to 65,536, got 0"),
        ({"bottleneck": 0}, "bottleneck must be from 1 to 64, got 0"),
        ({"compression": 0.0}, "compression must be above 0 and at most 1, got 0.0"),
        ({"compression": 0.01}, r"compression=0\.01 leaves a stage no channels \(its inputs are \(4, 0\)\)"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"num_blocks": ()}, "num_blocks is empty"),
        ({"growth": 60_000}, "makes .* channels; at most 65536 are possible"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **changes)


@pytest.mark.parametrize(("depth", "changes"), [(101, {}), (4, {}), (41, {"bottleneck": None})])
def test_cifar_depth_must_fit_three_equal_stages(depth: int, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"depth 6n\+4 with bottlenecks .* got {depth}"):
        DenseNetSpec.cifar(depth, 12, **changes)
