from __future__ import annotations

import torch
from torch import nn

from resnets.training.divergence import diverged, first_bad_layer


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2), nn.ReLU()), nn.Linear(2, 2))


def test_a_healthy_network_has_no_bad_layer() -> None:
    assert first_bad_layer(net(), torch.randn(4, 2)) is None


def test_the_first_layer_with_a_bad_weight_is_named() -> None:
    model = net()
    with torch.no_grad():
        model[1][0].weight[0] = float("nan")  # type: ignore[index]
    assert first_bad_layer(model, torch.randn(4, 2)) == "1.0"


def test_looking_leaves_no_trace() -> None:
    model = net()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first_bad_layer(model, torch.randn(4, 2))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_the_error_says_what_to_do() -> None:
    text = str(diverged(net(), torch.randn(4, 2), float("nan"), 17, 0.5))
    assert "nan at step 17 with learning rate 0.5" in text
    assert "--learning-rate" in text
    assert diverged(net(), torch.randn(4, 2), float("nan"), 17, 0.5).exit_code == 6
