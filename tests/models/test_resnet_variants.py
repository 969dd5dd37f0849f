from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn

from oracles import functional_resnet, scramble_norms
from resnets.inspection.overview import repeated_complexity
from resnets.inspection.structure import structure
from resnets.layers.block import ResidualBlock
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.catalogue.variants import VARIANTS
from resnets.spec import ORDERINGS, SHORTCUTS, Ordering, ResNetSpec, replace

TINY = ResNetSpec(num_blocks=(1, 2, 2), width=8, stem="small", num_classes=5)
IMAGES = torch.randn(2, 3, 33, 31, generator=torch.Generator().manual_seed(0))
STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


@pytest.mark.parametrize("changes", [
    *({"attention": kind, "block": block, "ordering": ordering} for kind, block, ordering in itertools.product(
        ("se", "eca"), ("basic", "bottleneck"), ("original", "full_preactivation"))),
    {"stem": "deep"}, {"stem": "deep", "ordering": "full_preactivation"},
    {"shortcut": "D"}, {"shortcut": "D", "ordering": "full_preactivation", "block": "bottleneck"},
    {"stem": "deep", "shortcut": "D", "attention": "se", "attention_reduction": 2},
], ids=lambda changes: "-".join(map(str, changes.values())))  # fmt: skip
def test_variants_equal_the_functional_net(changes: dict[str, Any]) -> None:
    model = build(replace(TINY, **changes), seed=0).eval()
    scramble_norms(model)
    torch.testing.assert_close(model(IMAGES), functional_resnet(model.state_dict(), IMAGES, model.spec))


def _parameters(name: str) -> int:
    spec = spec_of(name)
    return repeated_complexity(spec, spec.usual_input).parameters


def _units(depth: int, expansion: int) -> list[int]:
    """Output channels of every unit."""
    return [64 * 2**stage * expansion for stage, units in enumerate(STAGES[depth]) for _ in range(units)]


@pytest.mark.parametrize("depth", STAGES)
def test_squeeze_and_excitation_adds_two_layers_a_unit(depth: int) -> None:
    added = sum(2 * c * c // 16 + c // 16 + c for c in _units(depth, 1 if depth < 50 else 4))
    assert _parameters(f"se_resnet{depth}") == _parameters(f"resnet{depth}") + added


def test_squeeze_and_excitation_costs_one_multiply_add_a_weight() -> None:
    base, se = (repeated_complexity(spec_of(name), (3, 224, 224)).macs for name in ("resnet50", "se_resnet50"))
    assert se - base == sum(2 * c * c // 16 for c in _units(50, 4))
    assert (round(se / 1e9, 3), round(base / 1e9, 3)) == (4.092, 4.089)


@pytest.mark.parametrize(("depth", "added"), [(50, 3 * 5 + 4 * 5 + 6 * 5 + 3 * 7), (101, 3 * 5 + 4 * 5 + 23 * 5 + 21)])
def test_efficient_attention_adds_five_or_seven_weights_a_unit(depth: int, added: int) -> None:
    assert _parameters(f"eca_resnet{depth}") == _parameters(f"resnet{depth}") + added


@pytest.mark.parametrize("depth", STAGES)
def test_deep_stem_adds_its_convolutions_and_pooled_shortcuts_nothing(depth: int) -> None:
    deep = 27 * 32 + 9 * 32 * 32 + 9 * 32 * 64 + 2 * (32 + 32 + 64)
    assert _parameters(f"resnet{depth}d") == _parameters(f"resnet{depth}") - (49 * 3 * 64 + 2 * 64) + deep


@pytest.mark.parametrize(("name", "depth", "width", "scale"), [
    ("res2net50_26w_4s", 50, 26, 4), ("res2net50_14w_8s", 50, 14, 8), ("res2net101_26w_4s", 101, 26, 4),
])  # fmt: skip
def test_res2net_has_the_parameters_of_its_formula(name: str, depth: int, width: int, scale: int) -> None:
    total, channels = 49 * 3 * 64 + 2 * 64, 64
    for stage, units in enumerate(STAGES[depth]):
        part, outer = width * 2**stage, 256 * 2**stage
        for unit in range(units):
            total += channels * part * scale + 2 * part * scale
            total += (scale - 1) * (9 * part * part + 2 * part)
            total += part * scale * outer + 2 * outer
            total += channels * outer + 2 * outer if unit == 0 else 0
            channels = outer
    assert _parameters(name) == total + 2048 * 1000 + 1000


def test_sknet_has_the_parameters_of_its_formula() -> None:
    total = _parameters("resnext50_32x4d")
    for stage, units in enumerate(STAGES[50]):
        inner = 128 * 2**stage
        narrow = max(32, inner // 16)
        total += units * (9 * inner * inner // 32 + 2 * inner)  # the second kernel
        total += units * (inner * narrow + 2 * narrow + narrow * 2 * inner)
    assert _parameters("skresnext50_32x4d") == total


@pytest.mark.parametrize(("name", "billions"), [
    ("resnet50c", 4.3), ("resnet50d", 4.3),  # [He 2018, Table 5]
    ("skresnext50_32x4d", 4.5),  # [Li 2019, Table 1]: 4.47
])  # fmt: skip
def test_macs_are_the_papers_within_rounding(name: str, billions: float) -> None:
    assert round(repeated_complexity(spec_of(name), (3, 224, 224)).macs / 1e9, 1) == billions


@pytest.mark.parametrize(("name", "kind", "shortcut"), [
    ("resnext50_32x4d", "bottleneck 32x4d", "B"), ("wide_resnet50_2", "bottleneck 1x128d", "B"),
    ("se_resnet18", "basic + se", "identity"), ("resnet50d", "bottleneck", "D"),
    ("res2net50_26w_4s", "res2net 26w_4s", "B"), ("skresnext50_32x4d", "sknet 32x4d", "B"),
])  # fmt: skip
def test_table_says_what_the_blocks_are(name: str, kind: str, shortcut: str) -> None:
    spec = spec_of(name)
    row = structure(replace(spec, num_blocks=(1, 1)), spec.usual_input)[1]
    assert (row.label, row.kind, row.shortcut) == ("S1U1", kind, shortcut)
    assert f"{kind} blocks y = relu(F(x) + shortcut(x))" in spec.summary


@pytest.mark.parametrize("changes", [
    {"block": "res2net"}, {"block": "res2net", "stride_in": "3x3", "scale": 3, "groups": 2},
    {"block": "sknet"}, {"block": "sknet", "stride_in": "3x3", "groups": 2, "output_stride": 2}, {"shortcut": "D"},
    {"attention": "eca", "stem": "deep"},
], ids=lambda changes: "-".join(map(str, changes.values())))  # fmt: skip
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_every_ordering_trains_with_every_variant(changes: dict[str, Any], ordering: Ordering) -> None:
    model = build(replace(TINY, ordering=ordering, **changes), seed=0)
    model(IMAGES).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("shortcut", [name for name in SHORTCUTS if name != "none"])
@pytest.mark.parametrize(
    "changes", [{"attention": "se"}, {"attention": "eca"}, {"block": "res2net"}, {"block": "sknet"}]
)
def test_zero_initialised_branches_are_zero(changes: dict[str, Any], shortcut: Any) -> None:
    spec = replace(TINY, width=16, zero_init_residual=True, shortcut=shortcut, **changes)
    for _, block in build(spec, seed=0).eval().blocks():
        assert isinstance(block, ResidualBlock)
        norms = [layer for layer in block.residual.children() if isinstance(layer, nn.BatchNorm2d)]
        assert [bool(norm.weight.any()) for norm in norms] == [True] * (len(norms) - 1) + [False]
        first = block.residual.get_submodule("conv1")
        assert isinstance(first, nn.Conv2d)
        assert not block.residual(torch.randn(1, first.in_channels, 4, 4)).any()


def test_paper_depths_are_kept() -> None:
    for name, spec in VARIANTS.items():
        assert str(spec.depth) in name
