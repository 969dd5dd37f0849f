from __future__ import annotations

import torch
from torch import nn

from resnets.training.average import WeightAverage


def test_without_decay_the_average_is_the_model_itself() -> None:
    model = nn.Linear(2, 2)
    average = WeightAverage(model, 0.0)
    average.update(1)
    assert average.model is model


def test_the_average_follows_its_formula_and_leaves_the_model_alone() -> None:
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, 0.9)
    expected = model.weight.item()
    for step in range(1, 200):
        with torch.no_grad():
            model.weight.fill_(step)
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
        assert model.weight.item() == step
    assert abs(average.model.get_parameter("weight").item() - expected) < 1e-3
    assert not average.model.weight.requires_grad


def test_running_statistics_are_averaged_and_counters_copied() -> None:
    model = nn.BatchNorm2d(1)
    average = WeightAverage(model, 0.5)
    model(torch.randn(8, 1, 4, 4) + 3)
    average.update(1000)
    assert average.model.running_mean == 0.5 * model.running_mean  # type: ignore[operator]
    assert average.model.num_batches_tracked == model.num_batches_tracked
