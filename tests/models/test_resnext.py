from __future__ import annotations

import pytest
import torch
from torch import nn

from oracles import functional_resnet, scramble_norms
from resnets.inspection.overview import repeated_complexity
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.resnet import ResNet
from resnets.spec import ResNetSpec, replace

TINY = ResNetSpec(num_blocks=(1, 2), width=8, block="bottleneck", stem="small", num_classes=5)


def _spatial(model: ResNet) -> list[nn.Conv2d]:
    return [c for c in model.stages.modules() if isinstance(c, nn.Conv2d) and c.kernel_size == (3, 3)]


@pytest.mark.parametrize("changes", [
    {"groups": 4, "width_per_group": 16}, {"groups": 4, "width_per_group": 16, "stride_in": "3x3"},
    {"groups": 2, "ordering": "full_preactivation"}, {"width_per_group": 128},
])  # fmt: skip
def test_grouped_and_wide_nets_equal_the_functional_one(changes: dict[str, object]) -> None:
    model = build(replace(TINY, **changes), seed=0).eval()
    scramble_norms(model)
    images = torch.randn(2, 3, 17, 17, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(images), functional_resnet(model.state_dict(), images, model.spec))


@pytest.mark.parametrize(("name", "widths"), [
    ("resnext50_32x4d", [(128, 4), (256, 8), (512, 16), (1024, 32)]),
    ("resnext101_64x4d", [(256, 4), (512, 8), (1024, 16), (2048, 32)]),
    ("resnext29_8x64d", [(512, 64), (1024, 128), (2048, 256)]),
    ("wide_resnet50_2", [(128, 128), (256, 256), (512, 512), (1024, 1024)]),
])  # fmt: skip
def test_3x3_of_each_stage_has_the_papers_channels_and_channels_a_group(
    name: str, widths: list[tuple[int, int]]
) -> None:
    spec = spec_of(name)
    assert isinstance(spec, ResNetSpec)
    with torch.device("meta"):
        model = build(replace(spec, num_blocks=(1,) * len(widths)))
    assert [(c.out_channels, c.in_channels // c.groups) for c in _spatial(model)] == widths


def test_paths_of_a_grouped_3x3_do_not_see_each_other() -> None:
    model = build(replace(TINY, groups=4, width_per_group=16), seed=0)
    x = torch.randn(1, 8, 5, 5, requires_grad=True)
    _spatial(model)[0](x)[:, 2:4].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum(dim=(0, 2, 3)).gt(0).tolist() == [False, False, True, True, False, False, False, False]


@pytest.mark.parametrize(("name", "millions"), [("resnext29_8x64d", 34.4), ("resnext29_16x64d", 68.1)])
def test_cifar_nets_have_the_papers_parameters_within_rounding(name: str, millions: float) -> None:
    """[Xie 2017, Table 7], whose last digit is cut off, not rounded."""
    spec = spec_of(name)
    assert spec.depth == 29
    assert repeated_complexity(spec, (3, 32, 32)).parameters // 100_000 == round(10 * millions)


@pytest.mark.parametrize(("name", "billions"), [
    ("resnext50_32x4d", 4.23), ("resnext101_32x8d", 16.41), ("resnext101_64x4d", 15.46), ("wide_resnet50_2", 11.40),
    ("wide_resnet101_2", 22.75),
])  # fmt: skip
def test_macs_are_torchvisions_within_rounding(name: str, billions: float) -> None:
    assert round(repeated_complexity(spec_of(name), (3, 224, 224)).macs / 1e9, 2) == billions
