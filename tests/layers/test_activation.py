from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from resnets.layers.activation import ACTIVATIONS
from resnets.spec import ACTIVATIONS as NAMES
from resnets.spec import Activation

FORMULAS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "scaled_tanh": lambda x: 1.7159 * math.tanh(2 * x / 3),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activation_follows_its_formula_and_leaves_its_input_alone(name: Activation) -> None:
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)
    kept = x.clone()
    y = ACTIVATIONS[name]()(x)
    torch.testing.assert_close(y, torch.tensor([FORMULAS[name](value) for value in kept.tolist()], dtype=torch.float64))
    assert torch.equal(x, kept)


def test_every_activation_of_the_spec_exists() -> None:
    assert set(ACTIVATIONS) == set(NAMES)
