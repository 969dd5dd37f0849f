from __future__ import annotations

import pytest
import torch

from resnets.layers.parts import Parts
from resnets.layers.stem import STEMS
from resnets.spec import Stem


@pytest.mark.parametrize(
    ("stem", "size", "layers"),
    [
        ("large", (8, 9), ["conv", "norm", "activation", "pool"]),
        ("medium", (16, 17), ["conv", "norm", "activation"]),
        ("small", (31, 33), ["conv", "norm", "activation"]),
        ("pooled", (8, 8), ["conv", "pool", "norm", "activation"]),
    ],
)
def test_stem_has_its_layers_and_its_stride(stem: Stem, size: tuple[int, int], layers: list[str]) -> None:
    module = STEMS[stem](2, 5, ("norm", "activation"), Parts())
    assert [name for name, _ in module.named_children()] == layers
    assert module(torch.randn(3, 2, 31, 33)).shape == (3, 5, *size)


@pytest.mark.parametrize("stem", STEMS)
def test_stem_without_steps_is_its_convolution_and_pool(stem: Stem) -> None:
    names = {name for name, _ in STEMS[stem](2, 5, (), Parts()).named_children()}
    assert names - {"pool"} == {"conv"}
