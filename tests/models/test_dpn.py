from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from oracles import scramble_norms
from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.dpn import DualPathUnit
from resnets.spec import Activation, DPNSpec, replace

TIMM = {"dpn68": (12_611_602, 2.35), "dpn92": (37_668_392, 6.54)}
"""Parameters, and multiply-adds in G, to which it adds a hundredth for norms."""

SMALL = DPNSpec(num_blocks=(2, 2), width=4, groups=2, residual_width=6, increments=(2, 3), stem_width=4, num_classes=5)


def counts(spec: DPNSpec, size: int) -> tuple[int, int]:
    """Parameters and MACs by arithmetic alone."""
    parameters = macs = 0

    def convolve(weights: int, pixels: int, *, norm: int) -> None:
        nonlocal parameters, macs
        parameters += weights + 2 * norm
        macs += weights * pixels**2

    channels, kernel = spec.stem_width, spec.stem_kernel if spec.stem == "large" else 3
    if spec.stem == "large":
        size = -(-size // 2)
    convolve(kernel**2 * spec.in_channels * channels, size, norm=channels if spec.stem == "large" else 0)
    if spec.stem == "large":
        size = -(-size // 2)
    for stage, (units, more) in enumerate(zip(spec.num_blocks, spec.increments, strict=True)):
        width, residual = spec.width * 2**stage, spec.residual_width * 2**stage
        for unit in range(units):
            before, size = size, -(-size // 2) if stage and unit == 0 else size
            if unit == 0:
                convolve(channels * (residual + 2 * more), size, norm=channels)
            convolve(channels * width, before, norm=channels)
            convolve(9 * width * width // spec.groups, size, norm=width)
            convolve(width * (residual + more), size, norm=width)
            channels = residual + 2 * more + (unit + 1) * more
    return parameters + 2 * channels + (channels + 1) * spec.num_classes, macs + channels * spec.num_classes


def functional_dpn(p: Mapping[str, Tensor], x: Tensor, spec: DPNSpec) -> Tensor:
    """A DPN with a large stem in evaluation mode without modules, its two paths apart, from its state."""

    def norm(x: Tensor, name: str) -> Tensor:
        statistics = p[f"{name}.running_mean"], p[f"{name}.running_var"]
        return functional.batch_norm(x, *statistics, p[f"{name}.weight"], p[f"{name}.bias"], eps=1e-3)

    def conv(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = p[f"{name}.weight"]
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)

    x = functional.max_pool2d(functional.relu(norm(conv(x, "stem.conv", 2), "stem.norm")), 3, 2, 1)
    for stage, units in enumerate(spec.num_blocks):
        width = spec.residual_width * 2**stage
        for number in range(units):
            unit, stride = f"stages.S{stage + 1}.U{number + 1}", 2 if stage and number == 0 else 1
            y = x
            for layer in (1, 2, 3):
                y = functional.relu(norm(y, f"{unit}.branch.norm{layer}"))
                y = conv(y, f"{unit}.branch.conv{layer}", *((stride, spec.groups) if layer == 2 else ()))
            if number == 0:
                x = conv(functional.relu(norm(x, f"{unit}.shortcut.norm")), f"{unit}.shortcut.conv", stride)
            residual, dense = x[:, :width] + y[:, :width], (x[:, width:], y[:, width:])
            x = torch.cat([residual, *dense], dim=1)
    x = getattr(functional, spec.final_activation)(norm(x, "final.norm")).mean((2, 3))
    return functional.linear(x, p["head.linear.weight"], p["head.linear.bias"])


@pytest.mark.parametrize("name", TIMM)
def test_counts_are_timms_and_the_closed_formulas(name: str) -> None:
    spec = spec_of(name)
    assert isinstance(spec, DPNSpec)
    cost = complexity(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, 224)
    assert cost.parameters == TIMM[name][0]
    assert cost.macs / 1e9 == pytest.approx(TIMM[name][1], rel=0.015), "within rounding"
    assert spec.depth == int(name.removeprefix("dpn"))
    assert spec.final_activation == "relu", "as the published weights want it"


@pytest.mark.parametrize("last", ["relu", "elu"])
def test_network_equals_the_functional_one(last: Activation) -> None:
    spec = replace(SMALL, final_activation=last)
    model = build(spec, seed=0).eval()
    scramble_norms(model)
    images = torch.randn(2, 3, 33, 40, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(images), functional_dpn(model.state_dict(), images, spec))


def test_one_path_is_added_to_and_the_other_grows() -> None:
    unit = dict(build(SMALL, seed=0).blocks())["S1U2"]
    assert isinstance(unit, DualPathUnit)
    x = torch.randn(2, 6 + 3 * 2, 5, 5)
    y, found = unit(x), unit.branch(x)
    assert y.shape[1] == x.shape[1] + 2
    torch.testing.assert_close(y[:, :6], x[:, :6] + found[:, :6])
    assert torch.equal(y[:, 6:12], x[:, 6:])
    torch.testing.assert_close(y[:, 12:], found[:, 6:])


def test_first_units_project() -> None:
    rows = structure(SMALL, (3, 40, 40))
    assert [(row.label, row.shortcut, row.output_shape[0]) for row in rows[1:-2]] == [
        ("S1U1", "projection", 12), ("S1U2", "identity", 14), ("S2U1", "projection", 21), ("S2U2", "identity", 24),
    ]  # fmt: skip


@pytest.mark.parametrize("changes", [{}, {"stem": "small"}, {"stem_kernel": 3}])
def test_the_smallest_image_works_and_a_smaller_one_is_refused(changes: dict[str, Any]) -> None:
    spec = replace(SMALL, **changes)
    model = build(spec).eval()
    least = spec.minimum_size
    assert model(torch.randn(1, 3, least, least)).shape == (1, 5)
    assert (complexity(spec, (3, 41, 41)).parameters, complexity(spec, (3, 41, 41)).macs) == counts(spec, 41)
    with pytest.raises(DataError, match=f"at least {least}x{least}"):
        model(torch.randn(1, 3, least, least - 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"increments": (2,)}, r"increments=\(2,\) must have one entry for each of the 2 stages"),
        ({"increments": (2, 0)}, "increments must be from 1 to 65,536, got 0"),
        ({"width": 5}, "width=5 cannot be divided into groups=2"),
        ({"stem_kernel": 4}, "stem_kernel must be 3, 5 or 7"),
        ({"residual_width": 40_000}, "make 80012 channels; at most 65536"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **changes)
