from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from oracles import scramble_norms
from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import VGGSpec, replace

PARAMETERS = {
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736,
    "vgg16_bn": 138_365_992,
    "vgg19_bn": 143_678_248,
    "cifar_vgg16_bn": 14_728_266,
}
"""torchvision's, and kuangliu's for CIFAR."""
GIGA_MACS = {"vgg11": 7.609, "vgg13": 11.308, "vgg16": 15.470, "vgg19": 19.632}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_torchvisions(name: str) -> None:
    spec = spec_of(name)
    assert complexity(spec, spec.usual_input).parameters == PARAMETERS[name]


@pytest.mark.parametrize("name", GIGA_MACS)
def test_macs_equal_the_published_rounded_ones_and_the_closed_formula(name: str) -> None:
    spec = spec_of(name)
    assert isinstance(spec, VGGSpec)
    widths, inputs, macs = (64, 128, 256, 512, 512), 3, 0
    for stage, (convs, width) in enumerate(zip(spec.num_convs, widths, strict=True)):
        for _ in range(convs):
            macs += 9 * inputs * width * (224 >> stage) ** 2
            inputs = width
    macs += 25_088 * 4096 + 4096 * 4096 + 4096 * 1000
    assert complexity(spec, (3, 224, 224)).macs == macs
    assert round(macs / 1e9, 3) == GIGA_MACS[name]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_equals_the_layers_one_after_the_other(*, batch_norm: bool) -> None:
    spec = VGGSpec(num_convs=(1, 2), width=4, hidden=(6,), pooled_size=3, num_classes=5, batch_norm=batch_norm)
    model = build(spec, seed=0).eval()
    scramble_norms(model)
    p = model.state_dict()
    images = torch.randn(2, 3, 20, 16)
    x = images
    for unit, last in (("S1.U1", True), ("S2.U1", False), ("S2.U2", True)):
        x = functional.conv2d(x, p[f"stages.{unit}.conv.weight"], p[f"stages.{unit}.conv.bias"], padding=1)
        if batch_norm:
            mean, var, gamma, beta = (
                p[f"stages.{unit}.norm.{key}"] for key in ("running_mean", "running_var", "weight", "bias")
            )
            x = functional.batch_norm(x, mean, var, gamma, beta)
        x = functional.max_pool2d(x.relu(), 2) if last else x.relu()
    x = functional.adaptive_avg_pool2d(x, 3).flatten(1)
    x = functional.linear(x, p["head.hidden.layer1.linear.weight"], p["head.hidden.layer1.linear.bias"]).relu()
    expected = functional.linear(x, p["head.linear.weight"], p["head.linear.bias"])
    torch.testing.assert_close(model(images), expected)


@pytest.mark.parametrize("name", ["vgg11", "vgg16", "vgg19_bn"])
def test_depth_is_the_one_in_the_name(name: str) -> None:
    assert spec_of(name).depth == int(name.removeprefix("vgg").removesuffix("_bn"))


def test_stages_halve_and_double_up_to_eight_times_the_width() -> None:
    rows = [row for row in structure(spec_of("vgg16"), (3, 224, 224)) if row.kind == "3x3 + pool"]
    assert [row.output_shape for row in rows] == [
        (64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)
    ]  # fmt: skip


def test_stem_that_does_nothing_has_no_row() -> None:
    assert structure(spec_of("vgg11"), (3, 224, 224))[0].label == "S1U1"


def test_hidden_layers_drop_outputs_in_training_only() -> None:
    model = build(replace(spec_of("cifar_vgg16_bn"), num_convs=(1,), width=4, hidden=(64,), batch_norm=False), seed=0)
    images = torch.randn(2, 3, 8, 8)
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_convs", ()),
        ("num_convs", (1,) * 9),
        ("num_convs", (0, 1)),
        ("num_convs", (600, 600)),
        ("width", 0),
        ("pooled_size", 0),
        ("hidden", (0,)),
        ("dropout", 1.0),
    ],
)
def test_impossible_settings_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        replace(spec_of("vgg16"), **{field: value})


def test_odd_edges_are_pooled_where_asked_for() -> None:
    spec = VGGSpec(num_convs=(1, 1), width=4, hidden=(), pooled_size=1, num_classes=5, round_up=True)
    model = build(spec, seed=0)
    images = torch.randn(2, 3, 3, 7)
    first = model.stages.get_submodule("S1.U1.conv")(images).relu()
    with_zeros = functional.pad(first, (0, 1, 0, 1))  # no maximum of what a ReLU puts out minds them
    assert torch.equal(model.features(images)["S1"], functional.max_pool2d(with_zeros, 2))
    assert model(images).shape == (2, 5)
    with pytest.raises(DataError, match="at least 3x3 pixels, got 2x3"):
        model(torch.zeros(1, 3, 2, 3))


def test_five_pools_that_round_up_leave_one_pixel_of_a_digit() -> None:
    spec = replace(spec_of("vgg11"), round_up=True)
    sizes = [row.output_shape[1] for row in structure(spec, (3, 28, 28)) if "pool" in row.kind]
    assert sizes == [14, 7, 4, 2, 1]


def test_smaller_images_than_the_pools_halve_are_refused() -> None:
    spec = spec_of("cifar_vgg16_bn")
    with pytest.raises(DataError, match="at least 32x32 pixels, got 31x32"):
        build(replace(spec, width=1))(torch.zeros(1, 3, 31, 32))
