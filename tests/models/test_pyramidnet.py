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
from resnets.layers.shortcut import PooledPadding
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import NormSpec, PyramidNetSpec, replace

PUBLISHED = {
    # as another library counts the nets of the same names (imgclsmob)
    "pyramidnet110_a48": 1_772_706,
    "pyramidnet110_a84": 3_904_446,
    "pyramidnet110_a270": 28_485_477,
    "pyramidnet164_a270_bn": 27_216_021,
    "pyramidnet200_a240_bn": 26_752_702,
    "pyramidnet236_a220_bn": 26_969_046,
    "pyramidnet272_a200_bn": 26_210_842,
    "pyramidnet101_a360": 42_455_070,
}

SMALL = PyramidNetSpec(num_blocks=(2, 3, 2), alpha=10, stem_width=4, num_classes=5)


def counts(spec: PyramidNetSpec, size: int) -> tuple[int, int]:
    """Parameters and MACs by arithmetic alone."""
    parameters = macs = 0

    def convolve(kernel: int, inputs: int, outputs: int, size: int) -> None:
        nonlocal parameters, macs
        weights = kernel * kernel * inputs * outputs
        parameters += weights + 2 * outputs  # and the norm that always follows
        macs += weights * size * size

    expansion, channels, number = (4 if spec.block == "bottleneck" else 1), spec.stem_width, 0
    if spec.stem == "large":
        size = -(-size // 2)
        convolve(7, spec.in_channels, channels, size)
        size = -(-size // 2)
    else:
        convolve(3, spec.in_channels, channels, size)
    for stage, units in enumerate(spec.num_blocks):
        for unit in range(units):
            number += 1
            width = int(spec.stem_width + spec.alpha * number / sum(spec.num_blocks) + 0.5)
            after = -(-size // 2) if stage and not unit else size
            parameters += 2 * channels
            if spec.block == "basic":
                convolve(3, channels, width, after)
                convolve(3, width, width, after)
            else:
                convolve(1, channels, width, size)
                convolve(3, width, width, after)
                convolve(1, width, 4 * width, after)
            channels, size = width * expansion, after
    head = channels * spec.num_classes
    return parameters + 2 * channels + head + spec.num_classes, macs + head


def functional_pyramidnet(p: Mapping[str, Tensor], x: Tensor, spec: PyramidNetSpec) -> Tensor:
    """A PyramidNet in evaluation mode without modules, from its state."""

    def bn(x: Tensor, name: str) -> Tensor:
        statistics = p[f"{name}.running_mean"], p[f"{name}.running_var"]
        return functional.batch_norm(x, *statistics, p[f"{name}.weight"], p[f"{name}.bias"])

    def conv(x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = p[f"{name}.weight"]
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    if spec.stem == "large":
        x = functional.max_pool2d(functional.relu(bn(conv(x, "stem.conv", 2), "stem.norm")), 3, 2, 1)
    else:
        x = bn(conv(x, "stem.conv"), "stem.norm")
    strides = {"basic": (0,), "bottleneck": (1,)}[spec.block]
    for stage, units in enumerate(spec.num_blocks, start=1):
        for number in range(1, units + 1):
            unit, step = f"stages.S{stage}.U{number}.residual", 2 if stage > 1 and number == 1 else 1
            y = bn(x, f"{unit}.norm")
            for layer in range(2 if spec.block == "basic" else 3):
                y = functional.relu(y) if layer else y
                y = conv(y, f"{unit}.conv{layer + 1}", step if layer in strides else 1)
                y = bn(y, f"{unit}.norm{layer + 1}")
            x = functional.avg_pool2d(x, step, ceil_mode=True) if step == 2 else x
            zeros = x.new_zeros(len(x), y.shape[1] - x.shape[1], *x.shape[2:])
            x = y + torch.cat([x, zeros], dim=1)
    x = functional.relu(bn(x, "final.norm")).mean((2, 3))
    return functional.linear(x, p["head.linear.weight"], p["head.linear.bias"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones_and_the_closed_formulas(name: str) -> None:
    spec = spec_of(name)
    assert isinstance(spec, PyramidNetSpec)
    cost = complexity(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, spec.usual_input[1])
    assert cost.parameters == PUBLISHED[name]
    assert spec.depth == int(name.removeprefix("pyramidnet")[:3])


@pytest.mark.parametrize(
    "changes", [{}, {"block": "bottleneck"}, {"stem": "large"}, {"alpha": 3, "stem_width": 5}], ids=str
)
def test_network_equals_the_functional_one(changes: dict[str, Any]) -> None:
    spec = replace(SMALL, **changes)
    model = build(spec, seed=0).eval()
    scramble_norms(model)
    images = torch.randn(2, 3, 33, 30, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(images), functional_pyramidnet(model.state_dict(), images, spec))


def test_widths_rise_in_a_straight_line() -> None:
    assert PyramidNetSpec.cifar(20, 48).unit_widths == (21, 27, 32, 37, 43, 48, 53, 59, 64)
    rows = structure(replace(SMALL, block="bottleneck"), (3, 12, 12))
    assert [row.output_shape[0] for row in rows[1:-2]] == [4 * width for width in (5, 7, 8, 10, 11, 13, 14)]
    assert [(row.shortcut, row.stride) for row in rows[1:-2]] == [
        ("A", 1), ("A", 1), ("pooled A", 2), ("A", 1), ("A", 1), ("pooled A", 2), ("A", 1),
    ]  # fmt: skip


def test_a_unit_that_is_not_wider_passes_its_input_on() -> None:
    rows = structure(replace(SMALL, alpha=1), (3, 12, 12))
    assert [row.shortcut for row in rows[1:-2]].count("identity") == 4


def test_pooled_padding_is_the_mean_of_the_pixels_that_are_there() -> None:
    x = torch.arange(9.0).view(1, 1, 3, 3)
    y = PooledPadding(stride=2, extra_channels=2)(x)
    assert y.shape == (1, 3, 2, 2)
    assert y[0, 0].tolist() == [[2.0, 3.5], [6.5, 8.0]]
    assert not y[0, 1:].any()


@pytest.mark.parametrize("spec", [SMALL, replace(SMALL, stem="large"), replace(SMALL, norm=NormSpec(kind="instance"))])
def test_the_smallest_image_works_and_a_smaller_one_is_refused(spec: PyramidNetSpec) -> None:
    model = build(spec).eval()
    least = spec.minimum_size
    assert model(torch.randn(1, 3, least, least)).isfinite().all()
    with pytest.raises(DataError, match=f"at least {least}x{least}"):
        model(torch.randn(1, 3, least - 1, least))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0}, "alpha must be from 1 to 65,536, got 0"),
        ({"stem_width": 0}, "stem_width must be from 1 to 65,536, got 0"),
        ({"num_blocks": ()}, "num_blocks is empty"),
        (
            {"alpha": 65_536},
            "alpha=65536 from stem_width=4 ends at 65540 channels with block='basic'; at most 65536 are",
        ),
        ({"alpha": 20_000, "block": "bottleneck"}, "ends at 80016 channels with block='bottleneck'"),
        ({"block": "res2net"}, "block must be"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **changes)


@pytest.mark.parametrize(("depth", "changes"), [(111, {}), (2, {}), (112, {"block": "bottleneck"})])
def test_cifar_depth_must_fit_three_equal_stages(depth: int, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"depth 6n\+2 with basic units .* 9n\+2 with bottlenecks .* got {depth}\."):
        PyramidNetSpec.cifar(depth, 48, **changes)
