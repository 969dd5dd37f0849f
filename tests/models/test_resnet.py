from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from oracles import functional_resnet, scramble_norms
from resnets.errors import ConfigError, DataError, ResourceError
from resnets.layers.freezing import freeze_norms
from resnets.models.build import build
from resnets.models.resnet import ResNet, plan
from resnets.spec import ORDERINGS, SHORTCUTS, NormSpec, Ordering, ResNetSpec, Stem, replace

TINY = ResNetSpec(num_blocks=(1, 2, 1), width=4, stem="small", num_classes=5)


def _images(size: int = 17, channels: int = 3, count: int = 2) -> Tensor:
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(0))


VARIANTS: list[dict[str, Any]] = [
    {"shortcut": shortcut, "ordering": ordering, **block}
    for shortcut, ordering, block in itertools.product(
        SHORTCUTS,
        ("original", "full_preactivation"),
        ({"block": "basic"}, {"block": "bottleneck"}, {"block": "bottleneck", "stride_in": "3x3"}),
    )
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: "-".join(variant.values()))
def test_network_equals_the_functional_one(variant: dict[str, Any]) -> None:
    model = build(replace(TINY, **variant), seed=0).eval()
    scramble_norms(model)
    torch.testing.assert_close(model(_images()), functional_resnet(model.state_dict(), _images(), model.spec))


@pytest.mark.parametrize("stem", ["large", "medium", "pooled"])
def test_network_with_a_pooling_stem_equals_the_functional_one(stem: Stem) -> None:
    model = build(replace(TINY, stem=stem, conv_bias=True, norm=NormSpec(eps=1e-3)), seed=0).eval()
    scramble_norms(model)
    torch.testing.assert_close(model(_images(33)), functional_resnet(model.state_dict(), _images(33), model.spec))


def test_names_in_the_state_read_well() -> None:
    names = list(build(replace(TINY, shortcut="B")).state_dict())
    for name in ("stem.conv.weight", "stages.S2.U1.residual.conv1.weight", "stages.S2.U1.shortcut.norm.bias",
                 "stages.S1.U1.residual.norm2.running_mean", "head.linear.weight"):  # fmt: skip
        assert name in names


def test_seeded_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = build(TINY, seed=1)
    assert torch.equal(torch.rand(1), expected), "the global generator is left alone"
    second, other = build(TINY, seed=1), build(TINY, seed=2)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
    assert not torch.equal(first.stem[0].weight, other.stem[0].weight)  # type: ignore[arg-type]


def test_unseeded_weights_come_from_the_global_generator() -> None:
    torch.manual_seed(3)
    first, second = build(TINY), build(TINY)
    torch.manual_seed(3)
    again = ResNet(TINY)
    assert torch.equal(first.head.linear.weight, build(TINY, seed=3).head.linear.weight)
    assert not torch.equal(first.head.linear.weight, second.head.linear.weight)
    assert again.head.linear.weight.isfinite().all()


def test_built_weights_are_ready_to_train() -> None:
    model = build(TINY, seed=0)
    assert all(parameter.requires_grad and parameter.isfinite().all() for parameter in model.parameters())
    statistics = {name.rsplit(".")[-1]: values for name, values in model.named_buffers()}
    assert statistics["running_var"].eq(1).all() and statistics["running_mean"].eq(0).all()
    assert statistics["num_batches_tracked"] == 0


def test_a_network_can_be_built_without_storage() -> None:
    with torch.device("meta"):
        model = build(replace(TINY, num_classes=1_000_000, width=8192))
    assert all(parameter.is_meta for parameter in model.parameters())


def test_a_network_larger_than_memory_is_refused() -> None:
    with pytest.raises(ResourceError, match=r"parameters need .* GiB of memory, but this machine has"):
        build(ResNetSpec(num_blocks=(20, 20), width=32_768))


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_every_combination_trains(ordering: Ordering, shortcut: Any) -> None:
    model = build(replace(TINY, ordering=ordering, shortcut=shortcut), seed=0)
    model(_images()).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_features_are_the_stem_and_every_stage() -> None:
    model = build(replace(TINY, stem="pooled", block="bottleneck")).eval()
    features = model.features(_images(32))
    assert {name: tuple(values.shape[1:]) for name, values in features.items()} == {
        "stem": (4, 8, 8),
        "S1": (16, 8, 8),
        "S2": (32, 4, 4),
        "S3": (64, 2, 2),
    }
    torch.testing.assert_close(model.head(features["S3"]), model(_images(32)))


def test_blocks_are_labelled_by_stage_and_unit() -> None:
    model = build(TINY)
    assert [label for label, _ in model.blocks()] == ["S1U1", "S2U1", "S2U2", "S3U1"]
    assert dict(model.blocks())["S2U2"] is model.get_submodule("stages.S2.U2")


def test_replaced_head_changes_the_classes_and_nothing_else() -> None:
    model = build(TINY, seed=0).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.replace_head(9)
    assert model(_images()).shape == (2, 9)
    assert model.spec == replace(TINY, num_classes=9)
    assert {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])} == {
        "head.linear.weight", "head.linear.bias",
    }  # fmt: skip


def test_a_head_for_no_classes_is_refused() -> None:
    model = build(TINY)
    with pytest.raises(ConfigError, match="num_classes must be from 1 to 1,000,000, got 0"):
        model.replace_head(0)
    assert model.spec == TINY


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@pytest.mark.parametrize("output_stride", [4, 8, 16])
def test_dilation_keeps_the_weights_and_the_resolution(block: Any, output_stride: int) -> None:
    strided = ResNetSpec(width=4, block=block, num_classes=5)
    dilated = replace(strided, output_stride=output_stride)
    shapes = [{name: v.shape for name, v in build(spec).state_dict().items()} for spec in (strided, dilated)]
    assert shapes[0] == shapes[1]
    assert build(dilated).eval().features(_images(64))["S4"].shape[-1] == 64 // output_stride


def test_dilated_first_unit_still_sees_its_input_at_the_old_spacing() -> None:
    stages = plan(ResNetSpec(output_stride=8))
    assert [[(unit.stride, unit.first_dilation, unit.dilation) for unit in stage] for stage in stages] == [
        [(1, 1, 1), (1, 1, 1)],
        [(2, 1, 1), (1, 1, 1)],
        [(1, 1, 2), (1, 2, 2)],
        [(1, 2, 4), (1, 4, 4)],
    ]


def test_dilated_network_agrees_with_the_strided_one_where_both_look() -> None:
    """Dilating by the steps left out computes the same values, and more of them in between."""
    strided = ResNetSpec(num_blocks=(1, 1, 1), width=4, stem="small", shortcut="A")
    model, dense = build(strided, seed=0).eval(), build(replace(strided, output_stride=1), seed=0).eval()
    few, many = model.features(_images(16))["S3"], dense.features(_images(16))["S3"]
    torch.testing.assert_close(many[:, :, ::4, ::4], few)


@pytest.mark.parametrize("stem", ["large", "medium", "small", "pooled"])
@pytest.mark.parametrize("stages", [1, 2, 4])
@pytest.mark.parametrize("ordering", ["original", "full_preactivation"])
def test_smallest_image_works_and_smaller_ones_are_refused(stem: Stem, stages: int, ordering: Ordering) -> None:
    spec = ResNetSpec(num_blocks=(1,) * stages, width=4, stem=stem, ordering=ordering, num_classes=5)
    model = build(spec).eval()
    least = model.minimum_size
    assert model(_images(least)).shape == (2, 5)
    if least > 1:
        with pytest.raises(DataError, match=rf"at least {least}x{least} pixels, got {least - 1}x{least - 1}"):
            model(_images(least - 1))


@pytest.mark.parametrize(("spec", "least"), [
    (ResNetSpec(), 17), (ResNetSpec.cifar(20), 3), (ResNetSpec(stem="pooled"), 19), (ResNetSpec(stem="medium"), 9),
    (ResNetSpec(output_stride=8), 5), (ResNetSpec(num_blocks=(1,), stem="small"), 1),
])  # fmt: skip
def test_smallest_image_is_known(spec: ResNetSpec, least: int) -> None:
    assert spec.minimum_size == least


@pytest.mark.parametrize("size", [(17, 40), (31, 18), (64, 64)])
def test_any_larger_image_works(size: tuple[int, int]) -> None:
    model = build(ResNetSpec(width=4, num_classes=5)).eval()
    assert model(torch.randn(1, 3, *size)).shape == (1, 5)


@pytest.mark.parametrize("in_channels", [1, 2, 4])
def test_any_number_of_channels_works(in_channels: int) -> None:
    model = build(replace(TINY, in_channels=in_channels))
    assert model(_images(channels=in_channels)).shape == (2, 5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(3, 16, 16), r"four dimensions \(N, channels, height, width\), got 3: \(3, 16, 16\)"),
        (torch.zeros(1, 1, 16, 16), "takes images of 3 channels, got 1 channel"),
        (torch.zeros(1, 3, 16, 16, dtype=torch.uint8), "must be floating-point numbers, got torch.uint8"),
        (torch.zeros(1, 3, 16, 2), r"at least 3x3 pixels, got 16x2\.$"),
    ],
)
def test_wrong_images_are_refused(images: Tensor, message: str) -> None:
    model = build(TINY)
    for use in (model, model.features):
        with pytest.raises(DataError, match=message):
            use(images)


@pytest.mark.parametrize("ordering", ["original", "relu_only_preactivation"])
def test_zero_initialised_branches_leave_only_the_shortcuts(ordering: Ordering) -> None:
    model = build(replace(TINY, num_blocks=(3,), zero_init_residual=True, ordering=ordering), seed=0).eval()
    features = model.features(_images())
    assert torch.equal(features["S1"], features["stem"])


def test_one_image_can_be_trained_on_once_statistics_are_frozen() -> None:
    model = build(TINY).train()
    with pytest.raises(DataError, match="more than one value in each channel"):
        model(_images(3, count=1))
    freeze_norms(model, "statistics")
    assert model.train()(_images(3, count=1)).shape == (1, 5)


def test_plain_twin_differs_only_by_the_shortcut() -> None:
    residual, plain = build(replace(TINY, shortcut="A")), build(TINY.plain)
    assert {n: v.shape for n, v in residual.state_dict().items()} == {n: v.shape for n, v in plain.state_dict().items()}
    assert not any("shortcut" in name for name, _ in plain.named_modules())
