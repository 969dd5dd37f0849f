from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.layers.initialization import initialize
from resnets.spec import INITIALIZATIONS, Initialization

FAN_IN, FAN_OUT = 48 * 9, 96 * 9
VARIANCE = {
    "he_normal_fan_out": 2 / FAN_OUT,
    "he_normal_fan_in": 2 / FAN_IN,
    "he_uniform_fan_out": 2 / FAN_OUT,
    "he_uniform_fan_in": 2 / FAN_IN,
    "xavier_normal": 2 / (FAN_IN + FAN_OUT),
    "xavier_uniform": 2 / (FAN_IN + FAN_OUT),
    "normal": 0.02**2,
}


@pytest.mark.parametrize("name", INITIALIZATIONS)
def test_weights_have_the_variance_of_the_formula(name: Initialization) -> None:
    convolution = nn.Conv2d(48, 96, 3)
    torch.manual_seed(0)
    initialize(convolution, name)
    weights = convolution.weight.detach().flatten().double()
    count = len(weights)  # 41,472 weights: the sample variance is within 2 % in all but one of 100 draws
    assert weights.var().item() == pytest.approx(VARIANCE[name], rel=0.03)
    assert abs(weights.mean().item()) < 4 * (VARIANCE[name] / count) ** 0.5
    largest = weights.abs().max().item() / VARIANCE[name] ** 0.5
    assert largest <= 3**0.5 + 1e-6 if "uniform" in name else largest > 3


def test_biases_start_at_zero_and_norms_at_the_identity() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    for parameter in model.parameters():
        nn.init.constant_(parameter, 5)
    initialize(model, "xavier_normal")
    values = {name: parameter.tolist() for name, parameter in model.named_parameters() if name != "0.weight"}
    assert values == {"0.bias": [0, 0, 0], "1.weight": [1, 1, 1], "1.bias": [0, 0, 0]}
