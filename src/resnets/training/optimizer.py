"""The optimiser of a recipe; weight decay acts on weights alone."""

from __future__ import annotations

import torch
from torch import nn

from resnets.recipe import Recipe


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum, or AdamW [Loshchilov 2017, Algorithm 2]; in fused steps.

    Norm scales, shifts and biases (one-dimensional parameters) are not decayed.  [He 2018, section 3.1]
    """
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in learned if parameter.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [parameter for parameter in learned if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(recipe.momentum, 0.999), fused=True)
    nesterov = recipe.momentum > 0
    sgd = torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=nesterov, fused=True)
    if nesterov:
        # Its fused step fails where a parameter has its first gradient after others had theirs, as drop-path makes it.
        for parameter in learned:
            sgd.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return sgd
