from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from resnets.layers.branches import Branches, ChainMaker, CoveringMaxPool, Scale
from resnets.layers.parts import Parts
from resnets.spec import NormSpec
from resnets.spec.inception.chain import (
    Chain,
    Conv,
    Fork,
    LocalNorm,
    Pool,
    channels_after,
    depth_of,
    scaled,
    size_after,
)

CHAINS: list[Chain] = [
    (Conv(6, 3, stride=2),),
    (Conv(6, 3, stride=2, border="valid"), Conv(5, (1, 7))),
    (Pool("max", stride=2, border="ceil"), Conv(7, (7, 1))),
    (Pool("max", 2, stride=2, border="ceil"), LocalNorm()),
    (Pool("max", stride=2, border="cover"), Pool("average")),
    (Conv(2), Fork({"a": (Conv(3, (1, 3)),), "b": (Conv(4, (3, 1)), Pool("max"))})),
    (Fork({"conv": (Conv(3, 3, stride=2),), "pool": (Pool("max", stride=2, border="cover"),)}),),
]


@pytest.mark.parametrize("size", [8, 9, 10, 11])
@pytest.mark.parametrize("chain", CHAINS, ids=range(len(CHAINS)))
def test_a_chain_does_what_its_data_says(chain: Chain, size: int) -> None:
    module = ChainMaker(Parts()).chain(chain, 3)
    y = module(torch.randn(2, 3, size, size))
    assert y.shape == (2, channels_after(chain, 3), size_after(chain, size), size_after(chain, size))
    weights = [name for name, part in module.named_modules() if isinstance(part, nn.Conv2d)]
    assert depth_of(chain) <= len(weights)


def test_depth_is_that_of_the_longest_branch_and_widths_scale() -> None:
    chain: Chain = (Conv(8), Fork({"short": (Conv(1),), "long": (Conv(6), Pool("max"), Conv(3, 3))}))
    assert depth_of(chain) == 3
    assert channels_after(scaled(chain, 0.5), 3) == 1 + 2


def test_branches_read_one_input_and_keep_their_order() -> None:
    module = Branches({"twice": Scale(2), "same": nn.Identity()})
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(module(x), torch.cat([2 * x, x], dim=1))
    assert "2" in repr(module)


@pytest.mark.parametrize("size", [4, 14, 28])
def test_covering_pool_is_caffes_on_even_sizes(size: int) -> None:
    x = torch.randn(2, 3, size, size)
    assert torch.equal(CoveringMaxPool(3, 2)(x), functional.max_pool2d(x, 3, 2, ceil_mode=True))


def test_covering_pool_has_a_window_for_the_last_pixel_of_odd_sizes() -> None:
    x = torch.arange(5.0).expand(1, 1, 5, 5)
    assert CoveringMaxPool(3, 2)(x)[0, 0, 0].tolist() == [2, 4, 4]


def test_convolutions_without_norm_have_biases_if_told() -> None:
    module = ChainMaker(Parts(norm=NormSpec(kind="none"), conv_bias=True)).chain((Conv(4), Conv(5, 3)), 3)
    assert [name for name, _ in module.named_children()] == ["conv1", "activation1", "conv2", "activation2"]
    assert "conv2.bias" in module.state_dict()
