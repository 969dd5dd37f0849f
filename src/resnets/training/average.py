"""The moving average of a model's weights: smoother, and usually better, than the weights of the last step."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class WeightAverage:
    """average = d average + (1 - d) weights after each step, with d = min(decay, (1 + step) / (10 + step)).

    The rising d lets a short training forget its start.  With decay 0 the average is the model itself.
    Running statistics of norms are averaged like weights; counters are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).requires_grad_(requires_grad=False) if decay else model
        self._pairs = _float_pairs(self.model, model) if decay else ([], [])
        self._counters = _counter_pairs(self.model, model) if decay else []

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` steps."""
        averages, weights = self._pairs
        if averages:
            decay = min(self.decay, (1 + step) / (10 + step))
            torch._foreach_lerp_(averages, weights, 1 - decay)
        for average, counter in self._counters:
            average.copy_(counter)


def _float_pairs(average: nn.Module, model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    names = [name for name, tensor in model.state_dict().items() if tensor.is_floating_point()]
    return [average.state_dict()[name] for name in names], [model.state_dict()[name] for name in names]


def _counter_pairs(average: nn.Module, model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    ours = model.state_dict()
    return [(tensor, ours[name]) for name, tensor in average.state_dict().items() if not tensor.is_floating_point()]
