from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.layers.parts import Parts
from resnets.layers.stem import STEMS
from resnets.spec import Stem


@pytest.mark.parametrize(
    ("stem", "size", "layers"),
    [
        ("large", (8, 9), ["conv", "norm", "activation", "pool"]),
        ("medium", (16, 17), ["conv", "norm", "activation"]),
        (
            "deep",
            (8, 9),
            ["conv1", "norm1", "activation1", "conv2", "norm2", "activation2", "conv3", "norm3", "activation3", "pool"],
        ),
        ("small", (31, 33), ["conv", "norm", "activation"]),
        ("pooled", (8, 8), ["conv", "pool", "norm", "activation"]),
    ],
)
def test_stem_has_its_layers_and_its_stride(stem: Stem, size: tuple[int, int], layers: list[str]) -> None:
    module = STEMS[stem](2, 5, ("norm", "activation"), Parts())
    assert [name for name, _ in module.named_children()] == layers
    assert module(torch.randn(3, 2, 31, 33)).shape == (3, 5, *size)


@pytest.mark.parametrize("stem", ["large", "small", "pooled"])
def test_stem_without_steps_is_its_convolution_and_pool(stem: Stem) -> None:
    names = {name for name, _ in STEMS[stem](2, 5, (), Parts()).named_children()}
    assert names - {"pool"} == {"conv"}


def test_deep_stem_keeps_its_inner_steps_when_units_bring_their_own() -> None:
    names = [name for name, _ in STEMS["deep"](2, 5, (), Parts()).named_children()]
    assert names == ["conv1", "norm1", "activation1", "conv2", "norm2", "activation2", "conv3", "pool"]


def test_deep_stem_is_half_as_wide_until_its_last_convolution() -> None:
    widths = [c.out_channels for c in STEMS["deep"](3, 64, (), Parts()).children() if isinstance(c, nn.Conv2d)]
    assert widths == [32, 32, 64]
