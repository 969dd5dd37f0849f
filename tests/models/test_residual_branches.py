"""Branches that are dropped, left out or scaled: wide nets, stochastic depth, nets without norms."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from oracles import counts, functional_resnet, scramble_norms
from resnets.inspection.complexity import complexity
from resnets.layers.scale import Scale, Shift
from resnets.layers.stochastic_depth import StochasticDepth
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.catalogue.cifar import WIDE_CIFAR, WITHOUT_NORMS
from resnets.models.pretrained import create
from resnets.models.resnet import plan
from resnets.spec import NormSpec, ResNetSpec, replace

TINY = ResNetSpec(num_blocks=(2, 2), width=4, stem="small", num_classes=5)
IMAGES = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))

WIDE_PARAMETERS = {
    # other libraries' counts; in the paper's Table 4 rounded: 11.0, 17.1, 8.9, 35.7, 36.5 million
    "wrn16_4": 2_748_890, "wrn16_8": 10_961_370, "wrn16_10": 17_116_634, "wrn28_10": 36_479_194, "wrn40_4": 8_949_210,
    "wrn40_8": 35_748_314,
}  # fmt: skip
WIDE_MILLIONS = {"wrn40_1": 0.6, "wrn40_2": 2.2, "wrn40_4": 8.9, "wrn22_8": 17.2, "wrn28_10": 36.5}


@pytest.mark.parametrize("name", WIDE_CIFAR)
def test_wide_nets_cost_what_the_paper_says(name: str) -> None:
    cost = complexity(WIDE_CIFAR[name], (3, 32, 32))
    assert (cost.parameters, cost.macs) == counts(WIDE_CIFAR[name], 32)
    assert cost.parameters == WIDE_PARAMETERS.get(name, cost.parameters)
    millions = cost.parameters / 1e6
    assert abs(WIDE_MILLIONS.get(name, millions) - millions) < 0.05, "within rounding"


def test_convolutions_of_a_wide_net_are_those_that_its_name_counts() -> None:
    convolutions = [module for module in build(spec_of("wrn28_10")).modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 28
    assert [convolutions[0].out_channels, convolutions[-1].out_channels] == [16, 640]


def test_wide_net_equals_the_functional_one() -> None:
    model = build(ResNetSpec.wide(10, 2, width=8, stem_width=4, dropout=0.3), seed=0).eval()
    scramble_norms(model)
    torch.testing.assert_close(model(IMAGES), functional_resnet(model.state_dict(), IMAGES, model.spec))


@pytest.mark.parametrize(("change", "order"), [
    ({"ordering": "full_preactivation"}, "norm activation conv norm activation dropout conv"),
    ({"ordering": "original"}, "conv norm activation dropout conv norm"),
    ({"block": "bottleneck"}, "conv norm activation dropout conv norm activation dropout conv norm"),
])  # fmt: skip
def test_dropout_stands_before_every_convolution_of_a_branch_but_the_first(change: dict[str, Any], order: str) -> None:
    spec = replace(TINY, num_blocks=(2,), dropout=0.3, **change)
    residual = dict(build(spec).blocks())["S1U2"].residual
    assert " ".join(name.rstrip("0123456789") for name, _ in residual.named_children()) == order


def test_survival_falls_linearly_to_its_last_value() -> None:
    units = [unit for stage in plan(replace(TINY, survival=0.5)) for unit in stage]
    assert [unit.survival for unit in units] == pytest.approx([1 - 0.5 / 4, 1 - 1 / 4, 1 - 1.5 / 4, 0.5])
    assert all(unit.survival == 1 for stage in plan(TINY) for unit in stage)


def test_stochastic_depth_keeps_whole_images_and_the_mean() -> None:
    x = torch.randn(4000, 2, 3, 1)
    torch.manual_seed(0)
    y = StochasticDepth(0.8)(x)
    kept = (y / x)[:, 0, 0, 0] > 0
    torch.testing.assert_close(y[kept], x[kept] / 0.8)
    assert not y[~kept].any()
    assert kept.float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert torch.equal(StochasticDepth(0.8).eval()(x), x)


@pytest.mark.parametrize("ordering", ["original", "full_preactivation"])
def test_a_block_left_out_is_its_shortcut(ordering: Any) -> None:
    spec = replace(TINY, num_blocks=(1,), survival=1e-6, ordering=ordering)
    features = build(spec, seed=0).features(IMAGES)
    assert torch.equal(features["S1"], features["stem"])


def test_stochastic_depth_leaves_evaluation_and_weights_alone() -> None:
    plain, dropped = build(TINY, seed=0).eval(), build(replace(TINY, survival=0.5, dropout=0.2), seed=0)
    before = [dropped(IMAGES) for _ in range(2)]
    assert not torch.equal(*before), "training draws"
    dropped.load_state_dict(plain.state_dict())
    torch.testing.assert_close(dropped.eval()(IMAGES), plain(IMAGES))
    assert complexity(dropped, (3, 16, 16)) == complexity(plain, (3, 16, 16))


@pytest.mark.parametrize("name", WITHOUT_NORMS)
def test_every_block_without_norms_starts_as_its_shortcut(name: str) -> None:
    model = create(name, seed=0)
    x = model.stem(IMAGES)
    scale_of_the_stem = x.std()
    for label, block in model.blocks():
        y = block(x)
        assert torch.equal(y, block.shortcut(x)), label  # type: ignore[operator]
        x = y
    assert x[:, :16].std() > scale_of_the_stem / 3, "after 108 convolutions"
    assert not any("norm" in module_name for module_name, _ in model.named_modules())


@pytest.mark.parametrize("name", WITHOUT_NORMS)
def test_activations_keep_their_scale_where_they_would_explode(name: str) -> None:
    """After a step of every parameter, as after the first of the optimiser."""
    growth: dict[str, float] = {}
    for kind, spec in {"scaled": spec_of(name), "bare": ResNetSpec.cifar(110, norm=NormSpec(kind="none"))}.items():
        model = build(spec, seed=0)
        with torch.no_grad():
            for _, block in model.blocks():
                for layer in block.modules():
                    if isinstance(layer, Scale):
                        layer.weight.add_(0.01)
            features = model.features(IMAGES)
        growth[kind] = float(features["S3"].square().mean() / features["stem"].square().mean())
    assert 1e-3 < growth["scaled"] < 1e3
    assert not growth["bare"] < 1e6


def test_nets_without_norms_count_what_their_equations_have() -> None:
    convolutions = 1_727_962 - 2 * (16 + 36 * (16 + 32 + 64))  # resnet110 without its norms
    biases = 16 + 36 * (16 + 32 + 64)
    parameters = {name: complexity(spec, (3, 32, 32)).parameters for name, spec in WITHOUT_NORMS.items()}
    assert parameters == {
        "resnet110_rezero": convolutions + biases + 54,
        "resnet110_skipinit": convolutions + biases + 54,
        "resnet110_fixup": convolutions + 54 * 5 + 2,  # a block's four biases and scale; two ends
    }


@pytest.mark.parametrize(("block", "power"), [("basic", -1 / 2), ("bottleneck", -1 / 4)])
def test_fixup_starts_branches_small(block: Any, power: float) -> None:
    spec = replace(TINY, num_blocks=(4, 4), block=block, norm=NormSpec(kind="none"))
    fixup, ordinary = build(replace(spec, branch_scale="fixup"), seed=0), build(spec, seed=0)
    ours, theirs = (dict(model.blocks())["S1U2"].residual.state_dict() for model in (fixup, ordinary))
    torch.testing.assert_close(ours["conv1.weight"], theirs["conv1.weight"] * 8**power)
    last = "conv2" if block == "basic" else "conv3"
    assert not ours[f"{last}.weight"].any() and not fixup.head.linear.weight.any()


def _fixup_block(x: Tensor, p: dict[str, Tensor], stride: int) -> Tensor:
    """The block from its equations: functions only.      [Zhang 2019, Figure 1]"""
    y = functional.conv2d(x + p["shift1.bias"], p["conv1.weight"], stride=stride, padding=1)
    y = functional.relu(y + p["bias1.bias"])
    y = functional.conv2d(y + p["shift2.bias"], p["conv2.weight"], padding=1)
    y = y * p["scale2.weight"] + p["bias2.bias"]
    shortcut = functional.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
    return functional.relu(y + shortcut)


def test_fixup_net_equals_the_functional_one() -> None:
    model = build(replace(TINY, shortcut="A", norm=NormSpec(kind="none"), branch_scale="fixup"), seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    stem = model.stem.state_dict()
    x = functional.relu(functional.conv2d(IMAGES, stem["conv.weight"], padding=1) + stem["bias.bias"])
    for label, block in model.blocks():
        x = _fixup_block(x, block.residual.state_dict(), 2 if label == "S2U1" else 1)
    final = model.final.state_dict()["shift.bias"]
    torch.testing.assert_close(model(IMAGES), model.head.linear((x + final).mean(dim=(2, 3))))


def test_scale_and_shift_start_where_they_are_told() -> None:
    for module, start in ((Scale(0.0), 0.0), (Scale(1.0), 1.0), (Shift(), 0.0)):
        (parameter,) = module.parameters()
        nn.init.constant_(parameter, 5)
        module.reset_parameters()
        assert parameter.tolist() == [start]
