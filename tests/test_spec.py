from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnets import spec as spec_file
from resnets.errors import ConfigError
from resnets.spec import NormSpec, ResNetSpec, replace
from resnets.values import from_dict, from_json, to_dict, to_json


def _one_of(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(get_args(getattr(spec_file, name)))


NORMS = st.one_of(
    st.builds(
        NormSpec,
        kind=st.sampled_from(["batch", "sync"]),
        momentum=st.floats(0.01, 1),
        eps=st.floats(1e-8, 0.1),
        affine=st.booleans(),
        running_statistics=st.booleans(),
    ),
    st.builds(NormSpec, kind=st.just("group"), groups=st.integers(1, 64), affine=st.booleans()),
    st.builds(NormSpec, kind=st.sampled_from(["layer", "instance"]), eps=st.floats(1e-8, 0.1), affine=st.booleans()),
    st.just(NormSpec(kind="none")),
)
SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "family": st.just("resnet"),
    "num_blocks": st.lists(st.integers(1, 50), min_size=1, max_size=5).map(tuple),
    "block": _one_of("Block"),
    "width": st.integers(1, 500),
    "groups": st.integers(1, 70),
    "width_per_group": st.integers(1, 130),
    "scale": st.just(4) | st.integers(2, 9),
    "attention": _one_of("Attention"),
    "attention_reduction": st.just(16) | st.integers(1, 100),
    "stem": _one_of("Stem"),
    "stem_width": st.none() | st.integers(1, 500),
    "shortcut": _one_of("Shortcut"),
    "projection_norm": st.booleans(),
    "ordering": _one_of("Ordering"),
    "stride_in": _one_of("StrideIn"),
    "in_channels": st.integers(1, 20),
    "num_classes": st.integers(1, 100_000),
    "activation": _one_of("Activation"),
    "norm": NORMS,
    "weight_standardization": st.booleans(),
    "branch_scale": _one_of("BranchScale"),
    "dropout": st.floats(0, 1),
    "survival": st.floats(0, 1),
    "conv_bias": st.booleans(),
    "initialization": _one_of("Initialization"),
    "zero_init_residual": st.booleans(),
    "pooling": _one_of("Pooling"),
    "output_stride": st.none() | st.sampled_from([1, 2, 4, 8, 16, 32]),
}


def test_random_settings_name_every_field() -> None:
    assert set(SETTINGS) == {item.name for item in dataclasses.fields(ResNetSpec)}


@given(st.fixed_dictionaries({}, optional=SETTINGS))
def test_a_spec_survives_json_or_says_why_it_cannot_be(settings: dict[str, Any]) -> None:
    try:
        spec = ResNetSpec(**settings)
    except ConfigError as error:
        assert any(name in str(error) for name in settings)
        return
    again = from_json(ResNetSpec, to_json(spec))
    assert again == spec and hash(again) == hash(spec) and to_json(again) == to_json(spec)
    assert from_dict(ResNetSpec, to_dict(spec)) == spec
    assert spec.minimum_size >= 1
    assert len(spec.stage_strides) == len(spec.stage_dilations) == len(spec.num_blocks)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_blocks": ()}, "num_blocks is empty"),
        ({"num_blocks": (2, 0)}, r"num_blocks must be at least 1 a stage and 10000 in all, got \(2, 0\)"),
        ({"num_blocks": (10_001,)}, "10000 in all"),
        ({"num_blocks": (1,) * 9}, "num_blocks has 9 stages; at most 8"),
        ({"width": 0}, "width must be from 1 to 65,536, got 0"),
        ({"width": 40_000}, "width=40000 with 4 stages ends at 320000 channels"),
        ({"groups": 0}, "groups must be from 1"),
        ({"width_per_group": 0}, "width_per_group must be from 1"),
        ({"groups": 32}, "groups=32 with width_per_group=64 is for bottlenecks; block='basic' has groups=1"),
        (
            {"block": "bottleneck", "width": 8, "width_per_group": 4},
            "a bottleneck's 3x3 0 channels in the first",
        ),
        ({"block": "bottleneck", "groups": 200}, "102400 in the last; from 1 to 65536 are possible"),
        ({"in_channels": 0}, "in_channels must be from 1"),
        ({"num_classes": 10**9}, "num_classes must be from 1 to 1,000,000, got 1,000,000,000"),
        ({"stem_width": 0}, "stem_width must be from 1"),
        (
            {"zero_init_residual": True, "norm": NormSpec(affine=False)},
            "zero_init_residual=True needs a scale .* norm.affine=False",
        ),
        ({"zero_init_residual": True, "norm": NormSpec(kind="none")}, "needs a scale .* norm.kind='none'"),
        ({"norm": NormSpec(kind="group"), "width": 5}, "norm.groups=32 cannot make equal groups .* of 5 channels"),
        (
            {"norm": NormSpec(kind="group"), "stem_width": 7},
            "of 7 channels; choose another width, or norm.kind='layer'",
        ),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1, got 1.0"),
        ({"survival": 0.0}, "survival must be above 0 and at most 1, got 0.0"),
        ({"survival": 0.5, "shortcut": "none"}, "survival=0.5 .* would make a plain net"),
        ({"branch_scale": "scalar", "shortcut": "none"}, "branch_scale='scalar' would make a plain net"),
        ({"branch_scale": "scalar", "zero_init_residual": True}, "both start the branches at zero"),
        ({"branch_scale": "fixup"}, "needs norm.kind='none', got norm.kind='batch' and ordering='original'"),
        ({"branch_scale": "fixup", "block": "sknet", "norm": NormSpec(kind="none")}, "fixup' is for block='basic'"),
        ({"weight_standardization": True, "stem_width": 1}, "weight_standardization=True has nothing to standardise"),
        ({"zero_init_residual": True, "shortcut": "none"}, "output nothing but zeros"),
        ({"zero_init_residual": True, "ordering": "full_preactivation"}, "with ordering='full_preactivation' it ends"),
        ({"shortcut": "A", "stem_width": 128}, "cannot drop any, but stem_width=128 is more than the first stage's 64"),
        ({"output_stride": 64}, "output_stride must be one of 4, 8, 16, 32 for stem='large' and 4 stages, got 64"),
        ({"shortcut": "E"}, "shortcut must be one of A, B, C, D, none; got 'E'"),
        ({"block": "res2net", "scale": 1}, "scale must be from 2 to 65,536, got 1"),
        ({"block": "bottleneck", "scale": 8}, "scale=8 is for block='res2net'; block='bottleneck' has no parts"),
        (
            {"block": "sknet", "norm": NormSpec(kind="instance")},
            "makes zero of the means by which block='sknet' chooses",
        ),
        (
            {"stem": "deep", "stem_width": 74, "norm": NormSpec(kind="group")},
            r"norm\.groups=32 cannot make equal groups of two or more of 37 channels",
        ),
        (
            {"block": "res2net", "width_per_group": 37, "norm": NormSpec(kind="group")},
            "cannot make equal groups of two or more of 37 channels",
        ),
        ({"attention": "se", "attention_reduction": 0}, "attention_reduction must be from 1"),
        ({"attention": "eca", "attention_reduction": 8}, "attention='eca' has no inner layer"),
        ({"ordering": "full_preactivaton"}, "Did you mean 'full_preactivation'?"),
        ({"width": "64"}, "width must be a whole number, got '64'"),
        ({"conv_bias": 1}, "conv_bias must be true or false, got 1"),
        ({"norm": {"momentu": 0.2}}, "norm has no setting 'momentu'. Did you mean 'momentum'?"),
    ],
)
def test_impossible_spec_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ResNetSpec(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 0}, "norm.momentum must be above 0 and at most 1, got 0.0"),
        ({"momentum": 1.1}, "norm.momentum must be above 0"),
        ({"eps": 0}, "norm.eps must be between 0 and 1, got 0.0"),
        ({"groups": 0}, "norm.groups must be from 1"),
        ({"kind": "grup"}, "kind must be one of batch, group, layer, .*; got 'grup'. Did you mean 'group'?"),
        ({"groups": 8}, "norm.groups=8 says nothing to norm.kind='batch'; leave it out"),
        ({"kind": "group", "momentum": 0.2}, "norm.momentum=0.2 says nothing to norm.kind='group'"),
        ({"kind": "layer", "running_statistics": False}, "norm.running_statistics=False says nothing to .*'layer'"),
        ({"kind": "none", "eps": 0.1}, "norm.eps=0.1 says nothing to norm.kind='none'"),
    ],
)
def test_impossible_norm_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NormSpec(**settings)


@pytest.mark.parametrize("depth", [7, 9, 2, 0, -4])
def test_cifar_depth_must_be_6n_plus_2(depth: int) -> None:
    with pytest.raises(ConfigError, match=rf"depth 6n\+2 .* got {depth}"):
        ResNetSpec.cifar(depth)


@pytest.mark.parametrize("depth", [12, 2, 165])
def test_cifar_bottleneck_depth_must_be_9n_plus_2(depth: int) -> None:
    with pytest.raises(ConfigError, match=rf"depth 9n\+2 .* got {depth}"):
        ResNetSpec.cifar_bottleneck(depth)


@pytest.mark.parametrize("depth", [4, 17, 26])
def test_wide_depth_must_be_6n_plus_4(depth: int) -> None:
    with pytest.raises(ConfigError, match=rf"depth 6n\+4 .* got {depth}"):
        ResNetSpec.wide(depth, 2)


@pytest.mark.parametrize("n", [1, 3, 18, 200])
def test_cifar_depth_is_kept(n: int) -> None:
    assert ResNetSpec.cifar(6 * n + 2).depth == 6 * n + 2
    assert ResNetSpec.cifar_bottleneck(9 * n + 2).depth == 9 * n + 2


def test_the_classic_small_example_is_one_call() -> None:
    spec = ResNetSpec(num_blocks=(3, 3, 3), width=16, stem="small", num_classes=10)
    assert [spec.stage_channels(stage) for stage in range(3)] == [16, 32, 64]


def test_replace_refuses_unknown_settings() -> None:
    with pytest.raises(ConfigError, match=r"no setting 'num_block'\. Did you mean 'num_blocks'\?"):
        replace(ResNetSpec(), num_block=(1,))


def test_lists_and_whole_floats_become_what_the_fields_declare() -> None:
    assert ResNetSpec(num_blocks=[1, 2], width=8.0) == ResNetSpec(num_blocks=(1, 2), width=8)  # type: ignore[arg-type]


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ResNetSpec().width = 3  # type: ignore[misc]
