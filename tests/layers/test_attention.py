from __future__ import annotations

import pytest
import torch

from resnets.layers.attention import ATTENTIONS, efficient_channel_attention, reach, squeeze_excitation
from resnets.spec import Attention


@pytest.mark.parametrize(("channels", "neighbours"), [(64, 3), (128, 5), (256, 5), (512, 5), (1024, 5), (2048, 7)])
def test_a_channel_sees_more_neighbours_where_there_are_more(channels: int, neighbours: int) -> None:
    assert reach(channels) == neighbours


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_each_channel_is_weighed_by_one_factor_between_0_and_1(kind: Attention) -> None:
    x = torch.rand(2, 32, 5, 7) + 0.5
    factors = ATTENTIONS[kind](32, 4)(x) / x
    torch.testing.assert_close(factors, factors[:, :, :1, :1].expand_as(factors))
    assert factors.min() > 0 and factors.max() < 1


def test_efficient_attention_of_a_channel_looks_at_its_neighbours_only() -> None:
    x = torch.randn(1, 64, 3, 3, requires_grad=True)
    efficient_channel_attention(64, 16).gate(x)[0, 10].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum(dim=(0, 2, 3)).nonzero().flatten().tolist() == [9, 10, 11]


def test_squeeze_and_excitation_looks_at_every_channel_through_a_narrow_layer() -> None:
    module = squeeze_excitation(64, 16)
    sizes = [64 * 4, 4, 4 * 64, 64]
    assert [parameter.numel() for parameter in module.parameters()] == sizes
    x = torch.randn(1, 64, 3, 3, requires_grad=True)
    module.gate(x)[0, 10].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum(dim=(0, 2, 3)).count_nonzero() in (0, 64), "none only if all four units are off"


def test_squeeze_and_excitation_of_few_channels_keeps_one_inside() -> None:
    assert squeeze_excitation(8, 16)(torch.randn(1, 8, 2, 2)).shape == (1, 8, 2, 2)
