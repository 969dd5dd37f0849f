"""The distributions that weights start from, as the variance of one weight.

    he      variance = 2 / fan                       [He 2015b, eq. 10 and 14]
    xavier  variance = 2 / (fan_in + fan_out)        [Glorot 2010, eq. 16]
    normal  variance = 0.02 squared                  [Liu 2022, appendix A.1]

fan_in is in_channels times the kernel's area and keeps the size of activations from layer to layer; fan_out is
out_channels times the kernel's area and keeps the size of gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor, nn

from resnets.layers.scale import Scale, Shift
from resnets.spec import Initialization

INITIALIZERS: Mapping[Initialization, Callable[[Tensor], Tensor]] = {
    "he_normal_fan_out": partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"),
    "he_normal_fan_in": partial(nn.init.kaiming_normal_, mode="fan_in", nonlinearity="relu"),
    "he_uniform_fan_out": partial(nn.init.kaiming_uniform_, mode="fan_out", nonlinearity="relu"),
    "he_uniform_fan_in": partial(nn.init.kaiming_uniform_, mode="fan_in", nonlinearity="relu"),
    "xavier_normal": nn.init.xavier_normal_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "normal": partial(nn.init.normal_, std=0.02),
}

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.LayerNorm)
RESET = (*NORMS, nn.Linear, Scale, Shift)
"""Layers that know how they start."""


def initialize(model: nn.Module, initialization: Initialization) -> None:
    """Draw all weights anew: convolutions from the distribution, linear layers as PyTorch does; norms do nothing."""
    if next(model.parameters()).is_meta:
        return  # there is nothing to draw, and torch would load its compiler (two seconds) to pretend
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            INITIALIZERS[initialization](module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, RESET):
            module.reset_parameters()
