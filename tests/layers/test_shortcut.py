from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.layers.ordering import ARRANGEMENTS
from resnets.layers.parts import Parts
from resnets.layers.shortcut import SHORTCUTS, PooledProjection, Projection, option_a, option_b, option_c, option_d
from resnets.layers.unit import Unit
from resnets.spec import Ordering

ORIGINAL = ARRANGEMENTS["original"]
SAME = Unit(in_channels=4, width=4, out_channels=4)
CHANGED = Unit(in_channels=4, width=10, out_channels=10, stride=2)
WIDER = Unit(in_channels=4, width=10, out_channels=10)


def test_option_a_takes_every_second_pixel_and_appends_zero_channels() -> None:
    x = torch.randn(2, 4, 5, 7)
    y = option_a(CHANGED, ORIGINAL, Parts())(x)
    assert y.shape == (2, 10, 3, 4)
    for row in range(3):
        for column in range(4):
            assert torch.equal(y[:, :4, row, column], x[:, :, 2 * row, 2 * column])
    assert torch.equal(y[:, 4:], torch.zeros(2, 6, 3, 4))


def test_option_a_only_pads_where_the_size_stays() -> None:
    x = torch.randn(2, 4, 5, 7)
    assert torch.equal(option_a(WIDER, ORIGINAL, Parts())(x), torch.cat([x, torch.zeros(2, 6, 5, 7)], dim=1))


def test_option_a_passes_gradients_to_the_pixels_it_took() -> None:
    x = torch.randn(1, 4, 4, 4, requires_grad=True)
    option_a(CHANGED, ORIGINAL, Parts())(x).sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_option_a_adds_no_parameters() -> None:
    assert not list(option_a(CHANGED, ORIGINAL, Parts()).parameters())


@pytest.mark.parametrize("option", [option_a, option_b])
def test_a_and_b_are_the_identity_where_the_shape_stays(option: type) -> None:
    assert type(option(SAME, ORIGINAL, Parts())) is nn.Identity


@pytest.mark.parametrize(
    ("option", "unit"), [(option_b, CHANGED), (option_b, WIDER), (option_c, CHANGED), (option_c, SAME)]
)
def test_projection_is_one_convolution_and_its_norm(option: type, unit: Unit) -> None:
    projection = option(unit, ORIGINAL, Parts())
    assert isinstance(projection, Projection)
    count = sum(parameter.numel() for parameter in projection.parameters())
    assert count == unit.in_channels * unit.out_channels + 2 * unit.out_channels
    size = 6 // unit.stride
    assert projection(torch.randn(2, 4, 6, 6)).shape == (2, unit.out_channels, size, size)


@pytest.mark.parametrize(
    ("ordering", "layers"),
    [
        ("original", ["conv", "norm"]),
        ("bn_after_addition", ["conv"]),
        ("relu_before_addition", ["conv", "norm"]),
        ("relu_only_preactivation", ["conv", "norm"]),
        ("full_preactivation", ["conv"]),
    ],
)
def test_projection_is_normalised_where_the_branch_is(ordering: Ordering, layers: list[str]) -> None:
    projection = option_b(CHANGED, ARRANGEMENTS[ordering], Parts())
    assert [name for name, _ in projection.named_children()] == layers


def test_projection_can_do_without_norm_and_with_bias() -> None:
    projection = option_b(CHANGED, ORIGINAL, Parts(conv_bias=True, projection_norm=False))
    assert [name for name, _ in projection.named_parameters()] == ["conv.weight", "conv.bias"]


@pytest.mark.parametrize("size", [6, 7])
def test_option_d_projects_the_means_of_four_pixels(size: int) -> None:
    shortcut = option_d(CHANGED, ORIGINAL, Parts(projection_norm=False))
    assert isinstance(shortcut, PooledProjection)
    x = torch.randn(2, 4, size, size)
    half = -(-size // 2)
    means = torch.stack([
        x[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean(dim=(2, 3))
        for row in range(half) for column in range(half)
    ], dim=-1).view(2, 4, half, half)  # fmt: skip
    weight = shortcut.get_parameter("conv.weight")[:, :, 0, 0]
    torch.testing.assert_close(shortcut(x), torch.einsum("oi,nihw->nohw", weight, means))


def test_option_d_is_b_where_there_is_no_step() -> None:
    assert type(option_d(WIDER, ORIGINAL, Parts())) is Projection
    assert type(option_d(SAME, ORIGINAL, Parts())) is nn.Identity


def test_zero_padding_prints_its_settings() -> None:
    assert str(SHORTCUTS["A"](CHANGED, ORIGINAL, Parts())) == "ZeroPadding(stride=2, extra_channels=6)"
