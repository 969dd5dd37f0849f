from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from resnets.layers.multiscale import Cascade, SelectiveKernel, Separate, multiple_scales, selective_kernel
from resnets.layers.ordering import ARRANGEMENTS
from resnets.layers.parts import Parts
from resnets.layers.unit import Unit

ORIGINAL = ARRANGEMENTS["original"]
SAME = Unit(in_channels=32, width=16, out_channels=32, scale=4)
STEP = Unit(in_channels=16, width=16, out_channels=32, scale=4, stride=2, stride_in="3x3")


def _bn_relu(x: Tensor, norm: nn.BatchNorm2d) -> Tensor:
    mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
    x = (x - mean[:, None, None]) / (var[:, None, None] + norm.eps).sqrt()
    return functional.relu(x)


def test_cascade_is_its_equation() -> None:
    layer = multiple_scales(SAME, ORIGINAL, Parts())
    assert isinstance(layer, Cascade)
    x = torch.randn(2, 16, 6, 7)
    weights = [c.weight for c in layer.modules() if isinstance(c, nn.Conv2d)]
    norms = [n for n in layer.modules() if isinstance(n, nn.BatchNorm2d)]
    assert len(weights) == 3
    first = _bn_relu(functional.conv2d(x[:, :4], weights[0], padding=1), norms[0])
    second = _bn_relu(functional.conv2d(x[:, 4:8] + first, weights[1], padding=1), norms[1])
    third = _bn_relu(functional.conv2d(x[:, 8:12] + second, weights[2], padding=1), norms[2])
    torch.testing.assert_close(layer(x), torch.cat([first, second, third, x[:, 12:]], dim=1))


def test_windows_of_a_cascade_grow_from_part_to_part() -> None:
    layer = Cascade([nn.Conv2d(1, 1, 3, padding=1) for _ in range(3)])
    for part, window in enumerate((3, 5, 7, 1)):
        x = torch.randn(1, 4, 11, 11, requires_grad=True)
        layer(x)[0, part, 5, 5].backward()
        assert x.grad is not None
        assert x.grad.abs().sum(dim=(0, 1, 2)).count_nonzero() == window


@pytest.mark.parametrize("unit", [STEP, Unit(in_channels=16, width=16, out_channels=32, scale=4)])
def test_parts_stay_apart_where_the_shape_changes(unit: Unit) -> None:
    layer = multiple_scales(unit, ORIGINAL, Parts())
    assert isinstance(layer, Separate)
    x = torch.randn(2, 16, 7, 7)
    y, stride = layer(x), unit.stride
    for part in range(3):
        parts = slice(4 * part, 4 * part + 4)
        torch.testing.assert_close(y[:, parts], layer.convolutions[part](x[:, parts]))
    sums = functional.conv2d(x[:, 12:].flatten(0, 1)[:, None], torch.ones(1, 1, 3, 3), stride=stride, padding=1)
    torch.testing.assert_close(y[:, 12:], (sums / 9).view_as(y[:, 12:]))


@pytest.mark.parametrize("stride", [1, 2])
def test_selective_kernel_is_its_equation(stride: int) -> None:
    unit = Unit(in_channels=16, width=16, out_channels=64, groups=4, stride=stride, stride_in="3x3")
    layer = selective_kernel(unit, ORIGINAL, Parts())
    assert isinstance(layer, SelectiveKernel)
    x = torch.randn(3, 16, 7, 7)
    small, large, reduce, select = (c.weight for c in layer.modules() if isinstance(c, nn.Conv2d))
    norms = [n for n in layer.modules() if isinstance(n, nn.BatchNorm2d)]
    wide = torch.zeros(16, 4, 5, 5)  # a 3x3 with dilation 2 is a 5x5 with zeros between its weights
    wide[:, :, ::2, ::2] = large
    a = _bn_relu(functional.conv2d(x, small, stride=stride, padding=1, groups=4), norms[0])
    b = _bn_relu(functional.conv2d(x, wide, stride=stride, padding=2, groups=4), norms[1])
    z = _bn_relu(functional.conv2d((a + b).mean(dim=(2, 3), keepdim=True), reduce), norms[2])
    assert z.shape[1] == 32, "never narrower"
    to_a, to_b = functional.conv2d(z, select).chunk(2, dim=1)
    share = 1 / (1 + torch.exp(to_b - to_a))
    torch.testing.assert_close(layer(x), share * a + (1 - share) * b)


@pytest.mark.parametrize("ordering", ARRANGEMENTS)
def test_inner_convolutions_follow_the_ordering(ordering: str) -> None:
    layer = multiple_scales(SAME, ARRANGEMENTS[ordering], Parts())  # type: ignore[index]
    names = [name for name, _ in layer.get_submodule("convolutions.0").named_children()]
    assert names == {
        "relu_only_preactivation": ["activation", "conv", "norm"],
        "full_preactivation": ["norm", "activation", "conv"],
    }.get(ordering, ["conv", "norm", "activation"])
