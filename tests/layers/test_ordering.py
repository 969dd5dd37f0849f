"""He 2016, Figure 4: the order inside each unit, and that only the place of the shortcut tells orderings apart."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.layers.block import PreactivationBlock, ResidualBlock, SharedPreactivationBlock
from resnets.layers.unit import Unit
from resnets.models.build import build
from resnets.models.resnet import build_block
from resnets.spec import ORDERINGS, Block, Ordering, ResNetSpec, replace

FIGURE_4 = {
    "original": ("conv BN ReLU conv BN", "ReLU"),
    "bn_after_addition": ("conv BN ReLU conv", "BN ReLU"),
    "relu_before_addition": ("conv BN ReLU conv BN ReLU", ""),
    "relu_only_preactivation": ("ReLU conv BN ReLU conv BN", ""),
    "full_preactivation": ("BN ReLU conv BN ReLU conv", ""),
}
WORDS = {nn.Conv2d: "conv", nn.BatchNorm2d: "BN", nn.ReLU: "ReLU"}


def _words(module: nn.Module) -> str:
    return " ".join(
        next(word for kind, word in WORDS.items() if isinstance(layer, kind)) for layer in module.children()
    )


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_order_inside_a_unit_is_the_papers(ordering: Ordering) -> None:
    block = build_block(ResNetSpec(ordering=ordering), Unit(in_channels=4, width=4, out_channels=4))
    inside, after = FIGURE_4[ordering]
    assert _words(block.residual) == inside
    assert type(block) is (PreactivationBlock if "preactivation" in ordering else ResidualBlock)
    if isinstance(block, ResidualBlock):
        assert _words(block.activation) == after


@pytest.mark.parametrize("ordering", ["relu_only_preactivation", "full_preactivation"])
def test_a_preactivated_unit_that_projects_shares_its_activation(ordering: Ordering) -> None:
    block = build_block(ResNetSpec(ordering=ordering), Unit(in_channels=4, width=8, out_channels=8, stride=2))
    assert isinstance(block, SharedPreactivationBlock)
    assert f"{_words(block.preactivation)} {_words(block.residual)}" == FIGURE_4[ordering][0]


@pytest.mark.parametrize(
    ("ordering", "stem", "final"),
    [
        ("original", "conv BN ReLU", ""),
        ("bn_after_addition", "conv BN ReLU", ""),
        ("relu_before_addition", "conv BN ReLU", ""),
        ("relu_only_preactivation", "conv BN", "ReLU"),
        ("full_preactivation", "conv", "BN ReLU"),
    ],
)
def test_stem_and_final_activation_fit_the_ordering(ordering: Ordering, stem: str, final: str) -> None:
    model = build(ResNetSpec.cifar(8, ordering=ordering))
    assert (_words(model.stem), _words(model.final)) == (stem, final)


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_plain_nets_of_all_orderings_are_one_function(block: Block) -> None:
    """Without shortcuts, an ordering is only a place to cut one chain of conv, BN, ReLU."""
    images = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    plain = ResNetSpec(num_blocks=(1, 2), block=block, stem="small", shortcut="none", width=8, num_classes=10)
    nets = [build(replace(plain, ordering=ordering), seed=0) for ordering in ORDERINGS]
    for net in nets[1:]:
        torch.testing.assert_close(net(images), nets[0](images))


def test_every_ordering_of_the_spec_is_in_the_figure() -> None:
    assert set(FIGURE_4) == set(ORDERINGS)
