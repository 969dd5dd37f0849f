"""Each block is its equation."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.layers.block import Block, PlainBlock, PreactivationBlock, ResidualBlock, SharedPreactivationBlock
from resnets.layers.norm import BatchNorm2d
from resnets.layers.unit import Unit
from resnets.models.resnet import build_block
from resnets.spec import ResNetSpec


class Times(nn.Module):
    """x times a number: an F that can be seen through."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * x


F = nn.Sequential(Times(3))
X = torch.tensor([-2.0, 0.0, 5.0])


@pytest.mark.parametrize(
    ("block", "y"),
    [
        (ResidualBlock(F, Times(-1), nn.ReLU()), torch.relu(3 * X - X)),
        (PreactivationBlock(F, Times(-1)), 3 * X - X),
        (SharedPreactivationBlock(nn.Sequential(nn.ReLU()), F, Times(-1)), 3 * torch.relu(X) - torch.relu(X)),
        (PlainBlock(F, nn.ReLU()), torch.relu(3 * X)),
    ],
)
def test_block_is_its_equation(block: Block, y: torch.Tensor) -> None:
    assert torch.equal(block(X), y)


@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_a_zeroed_branch_makes_a_block_relu_of_its_shortcut(kind: str) -> None:
    unit = Unit(in_channels=4, width=4, out_channels=4)
    block = build_block(ResNetSpec(block=kind), unit)  # type: ignore[arg-type]
    block.zero_init_last()
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(block(x), torch.relu(x))


def test_zero_init_touches_the_last_norm_only() -> None:
    block = build_block(ResNetSpec(), Unit(in_channels=4, width=4, out_channels=4))
    block.zero_init_last()
    scales = [layer.weight.sum().item() for layer in block.residual if isinstance(layer, BatchNorm2d)]
    assert scales == [4.0, 0.0]
