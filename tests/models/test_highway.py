from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.highway import HighwayNet, HighwayUnit
from resnets.spec import HighwaySpec, replace

SMALL = HighwaySpec(num_blocks=(1, 2), widths=(4, 6), num_classes=5)


def counts(spec: HighwaySpec, size: int) -> tuple[int, int]:
    """Parameters and MACs by arithmetic alone."""
    parameters = macs = 0
    for stage, (inputs, width) in enumerate(pairwise((spec.in_channels, *spec.widths))):
        pixels = (size >> stage) ** 2
        weights = 9 * inputs * width + spec.num_blocks[stage] * 2 * 9 * width * width
        parameters += weights + width + spec.num_blocks[stage] * 2 * width
        macs += weights * pixels
    last = spec.widths[-1] * spec.last_width
    head = (spec.last_width or spec.widths[-1]) * spec.num_classes
    return parameters + last + spec.last_width + head + spec.num_classes, macs + last * pixels + head


def functional_highway(p: Mapping[str, Tensor], x: Tensor, spec: HighwaySpec) -> Tensor:
    """A highway network without modules, from its state."""

    def conv(x: Tensor, name: str) -> Tensor:
        return functional.conv2d(x, p[f"{name}.weight"], p[f"{name}.bias"], padding=1)

    x = functional.relu(conv(x, "stem.conv"))
    for stage, units in enumerate(spec.num_blocks, start=1):
        if stage > 1:
            x = functional.relu(conv(functional.max_pool2d(x, 2), f"stages.S{stage}.U1.conv"))
        for number in range(units):
            unit = f"stages.S{stage}.U{number + 1 + (stage > 1)}"
            gate = conv(x, f"{unit}.gate.conv").sigmoid()
            x = x + gate * (functional.relu(conv(x, f"{unit}.transform.conv")) - x)
    if spec.last_width:
        x = functional.relu(functional.conv2d(x, p["final.conv.weight"], p["final.conv.bias"]))
    return functional.linear(x.mean((2, 3)), p["head.linear.weight"], p["head.linear.bias"])


@pytest.mark.parametrize(("name", "depth", "papers"), [("highway19", 19, 2.3e6), ("highway32", 32, 1.25e6)])
def test_counts_are_the_closed_formulas_and_near_the_papers(name: str, depth: int, papers: float) -> None:
    spec = spec_of(name)
    assert isinstance(spec, HighwaySpec)
    cost = complexity(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, 32)
    assert cost.parameters == pytest.approx(papers, rel=0.02), "the paper prints two or three digits, and no widths"
    assert spec.depth == depth


def test_the_19_layers_are_those_of_the_authors_code() -> None:
    convolutions = [module for module in build(spec_of("highway19")).modules() if isinstance(module, nn.Conv2d)]
    widths = [layer.out_channels for layer in convolutions]
    assert widths == [32] * (1 + 2 * 4) + [80] * (1 + 2 * 5) + [128] * (1 + 2 * 5) + [100]
    assert sum(isinstance(module, nn.Dropout) for module in build(spec_of("highway19")).modules()) == 4


@pytest.mark.parametrize("spec", [SMALL, replace(SMALL, last_width=3, dropout=0.5)])
def test_network_equals_the_functional_one(spec: HighwaySpec) -> None:
    model = build(spec, seed=0).eval()
    images = torch.randn(2, 3, 9, 12)
    torch.testing.assert_close(model(images), functional_highway(model.state_dict(), images, spec))


def test_dropout_is_for_training_alone() -> None:
    model, images = build(replace(SMALL, dropout=0.5), seed=0), torch.randn(2, 3, 9, 12)
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))


def test_a_closed_gate_carries_x_and_an_open_one_the_transform() -> None:
    model = build(SMALL, seed=0)
    unit = dict(model.blocks())["S1U1"]
    assert isinstance(unit, HighwayUnit)
    x = torch.randn(2, 4, 5, 5)
    unit.set_gate_bias(-100)
    torch.testing.assert_close(unit(x), x)
    unit.set_gate_bias(100)
    torch.testing.assert_close(unit(x), unit.transform(x))


def test_gates_start_at_the_bias_of_the_spec() -> None:
    model = build(replace(SMALL, gate_bias=-3.0), seed=0)
    biases = {name: values for name, values in model.named_parameters() if name.endswith("gate.conv.bias")}
    assert len(biases) == 3
    assert all(values.eq(-3).all() for values in biases.values())
    assert model.stem.get_parameter("conv.bias").eq(0).all()


def test_gradients_reach_the_first_layer_of_a_deep_net_only_with_gates_nearly_closed() -> None:
    def first_gradient(gate_bias: float) -> float:
        spec = HighwaySpec(num_blocks=(60,), widths=(4,), activation="sigmoid", gate_bias=gate_bias, num_classes=2)
        model = build(replace(spec, initialization="xavier_normal"), seed=0)
        model(torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))).square().sum().backward()
        gradient = model.stem.get_parameter("conv.weight").grad
        assert gradient is not None
        return float(gradient.norm())

    assert first_gradient(-4) > 1000 * first_gradient(100), "at 100 the net is a plain one"


def test_only_units_that_keep_the_width_have_gates() -> None:
    rows = structure(SMALL, (3, 8, 8))
    assert [(row.label, row.kind, row.shortcut, row.stride) for row in rows[1:-1]] == [
        ("S1U1", "highway", "gated", 1), ("S2U1", "plain", "none", 2),
        ("S2U2", "highway", "gated", 1), ("S2U3", "highway", "gated", 1),
    ]  # fmt: skip


def test_reads_digits_and_refuses_what_is_too_small() -> None:
    spec = replace(SMALL, in_channels=1)
    assert spec.usual_input == (1, 28, 28)
    model = build(spec)
    assert isinstance(model, HighwayNet)
    assert model(torch.randn(2, 1, 2, 2)).shape == (2, 5)
    with pytest.raises(DataError, match="at least 2x2"):
        model(torch.randn(2, 1, 1, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": (4,)}, r"widths has 1 entry for 2 stages \(num_blocks=\(1, 2\)\)"),
        ({"widths": (4, 0)}, "widths must be from 1 to 65,536, got 0"),
        ({"num_blocks": (0, 1)}, "num_blocks must be at least 1 a stage"),
        ({"last_width": -1}, "last_width must be from 0 to 65,536, got -1"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"gate_bias": -101.0}, "gate_bias must be from -100.0 to 100.0, got -101.0"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **changes)
