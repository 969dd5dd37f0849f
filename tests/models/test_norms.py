"""One setting normalises the whole net."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from oracles import functional_resnet, scramble_norms
from resnets.errors import ConfigError
from resnets.inspection.complexity import complexity
from resnets.layers.freezing import freeze_norms
from resnets.layers.norm import BatchNorm2d, GroupNorm, SyncBatchNorm
from resnets.models.build import build
from resnets.spec import NORM_KINDS, NormKind, NormSpec, ResNetSpec, replace

TINY = ResNetSpec(num_blocks=(1, 2, 1), width=4, stem="small", num_classes=5)
IMAGES = torch.randn(2, 3, 17, 17, generator=torch.Generator().manual_seed(0))
CLASS_OF = {"batch": BatchNorm2d, "sync": SyncBatchNorm, "group": GroupNorm, "layer": GroupNorm, "instance": GroupNorm}


@pytest.mark.parametrize("kind", NORM_KINDS)
@pytest.mark.parametrize("change", [{}, {"ordering": "full_preactivation", "weight_standardization": True}])
def test_network_with_any_norm_equals_the_functional_one(kind: NormKind, change: dict[str, Any]) -> None:
    model = build(replace(TINY, norm=NormSpec(kind=kind), **change), seed=0).double().eval()
    scramble_norms(model)
    images = IMAGES.double()
    torch.testing.assert_close(model(images), functional_resnet(model.state_dict(), images, model.spec))


@pytest.mark.parametrize("kind", NORM_KINDS)
def test_every_norm_of_a_net_is_of_the_one_kind(kind: NormKind) -> None:
    spec = replace(TINY, norm=NormSpec(kind=kind))
    norms = [module for name, module in build(spec).named_modules() if "norm" in name.rpartition(".")[2]]
    assert {type(norm) for norm in norms} == ({CLASS_OF[kind]} if kind != "none" else set())
    scale_and_shift = 2 * (4 + 2 * 4 + 2 * 2 * 8 + 8 + 2 * 16 + 16) if kind != "none" else 0
    bare = complexity(replace(TINY, norm=NormSpec(kind="none")), (3, 32, 32))
    cost = complexity(spec, (3, 32, 32))
    assert (cost.parameters - bare.parameters, cost.macs) == (scale_and_shift, bare.macs)


@pytest.mark.parametrize("kind", NORM_KINDS)
def test_smallest_image_works_with_any_norm(kind: NormKind) -> None:
    for stem in ("large", "small", "pooled"):
        model = build(replace(TINY, stem=stem, norm=NormSpec(kind=kind)), seed=0).eval()
        least = model.minimum_size
        assert model(torch.randn(1, 3, least, least)).isfinite().all()


def test_instance_norm_wants_two_pixels_at_the_end() -> None:
    spec = replace(TINY, norm=NormSpec(kind="instance"))
    assert (TINY.minimum_size, spec.minimum_size) == (3, 5)
    assert build(spec).features(torch.randn(1, 3, 5, 5))["S3"].shape[2:] == (2, 2)


@pytest.mark.parametrize("kind", NORM_KINDS)
def test_every_kind_trains_or_learns_what_it_has(kind: NormKind) -> None:
    model = build(replace(TINY, norm=NormSpec(kind=kind)), seed=0)
    model(IMAGES).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", ["group", "layer", "instance"])
def test_a_single_image_can_be_trained_on(kind: NormKind) -> None:
    model = build(replace(TINY, norm=NormSpec(kind=kind)), seed=0)
    together = model(IMAGES)
    torch.testing.assert_close(model(IMAGES[:1]), together[:1])


@pytest.mark.parametrize(("kind", "possible"), [("sync", True), ("group", False), ("none", False)])
def test_statistics_of_a_net_are_frozen_or_the_wish_is_refused(kind: NormKind, *, possible: bool) -> None:
    model = build(replace(TINY, norm=NormSpec(kind=kind)))
    if possible:
        freeze_norms(model, "statistics")
        assert not any(module.training for module in model.train().modules() if isinstance(module, nn.SyncBatchNorm))
        return
    with pytest.raises(ConfigError, match=r"stem\.norm: .* no running statistics|ResNet has no norms"):
        freeze_norms(model, "statistics")


def test_zero_initialised_group_norms_leave_only_the_shortcuts() -> None:
    spec = replace(TINY, num_blocks=(2,), norm=NormSpec(kind="group"), zero_init_residual=True)
    features = build(spec, seed=0).features(IMAGES)
    assert torch.equal(features["S1"], features["stem"])


def test_standardised_filters_ignore_their_own_mean_and_size() -> None:
    spec = replace(TINY, weight_standardization=True)
    model = build(spec, seed=0).eval()
    expected = model(IMAGES)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.mul_(3).add_(0.7)
    torch.testing.assert_close(model(IMAGES), expected, rtol=1e-4, atol=1e-4)
    assert complexity(spec, (3, 32, 32)) == complexity(TINY, (3, 32, 32))
