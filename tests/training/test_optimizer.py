from __future__ import annotations

import torch
from torch import nn

from resnets.recipe import Recipe
from resnets.training.optimizer import make_optimizer


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))


def test_only_weights_are_decayed_never_norms_or_biases() -> None:
    model = net()
    groups = make_optimizer(model, Recipe(weight_decay=0.3)).param_groups
    decay = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    found = {name: decay[id(parameter)] for name, parameter in model.named_parameters()}
    assert found == {
        "0.weight": 0.3, "0.bias": 0.0, "1.weight": 0.0, "1.bias": 0.0, "3.weight": 0.3, "3.bias": 0.0,
    }  # fmt: skip


def test_frozen_parameters_are_left_out() -> None:
    model = net()
    model.requires_grad_(requires_grad=False)[3].requires_grad_()  # type: ignore[index]
    groups = make_optimizer(model, Recipe()).param_groups
    assert sum(len(group["params"]) for group in groups) == 2


def test_sgd_steps_follow_nesterovs_rule_with_coupled_decay() -> None:
    """v = m v + g; w = w - r (g + m v), with g the gradient plus decay times w; written out here by hand."""
    model = nn.Linear(1, 1, bias=False)
    weight, velocity, rate, momentum, decay = model.weight.item(), 0.0, 0.1, 0.9, 0.01
    optimizer = make_optimizer(model, Recipe(learning_rate=rate, momentum=momentum, weight_decay=decay))
    for gradient in (1.0, -2.0, 0.5):
        model.weight.grad = torch.tensor([[gradient]])
        optimizer.step()
        slope = gradient + decay * weight
        velocity = momentum * velocity + slope
        weight -= rate * (slope + momentum * velocity)
        assert abs(model.weight.item() - weight) < 1e-6


def test_adamw_steps_match_the_published_update() -> None:
    """[Loshchilov 2019, Algorithm 2], by hand."""
    model = nn.Linear(1, 1, bias=False)
    weight, first, second, rate, decay = model.weight.item(), 0.0, 0.0, 0.01, 0.1
    optimizer = make_optimizer(model, Recipe(optimizer="adamw", learning_rate=rate, momentum=0.9, weight_decay=decay))
    for step, gradient in enumerate((1.0, -2.0, 0.5), 1):
        model.weight.grad = torch.tensor([[gradient]])
        optimizer.step()
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weight -= rate * decay * weight
        weight -= rate * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)) ** 0.5 + 1e-8)
        assert abs(model.weight.item() - weight) < 1e-5


def test_no_momentum_is_plain_gradient_descent() -> None:
    model = nn.Linear(1, 1, bias=False)
    before = model.weight.item()
    optimizer = make_optimizer(model, Recipe(learning_rate=0.5, momentum=0, weight_decay=0))
    model.weight.grad = torch.tensor([[2.0]])
    optimizer.step()
    assert abs(model.weight.item() - (before - 1.0)) < 1e-6


def test_a_parameter_may_have_its_first_gradient_later_than_others() -> None:
    recipe = Recipe(learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    early, late = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    model = nn.ParameterList([early, late])
    optimizer = make_optimizer(model, recipe)
    for step in range(3):
        early.grad, late.grad = torch.ones(2, 2), torch.ones(2, 2) if step else None
        optimizer.step()
    # Nesterov's steps are 1.9, 2.71 and 3.439 times the learning rate, from a parameter's first gradient on.
    assert torch.allclose(early, torch.full((2, 2), 1 - 0.1 * (1.9 + 2.71 + 3.439)))
    assert torch.allclose(late, torch.full((2, 2), 1 - 0.1 * (1.9 + 2.71)))
