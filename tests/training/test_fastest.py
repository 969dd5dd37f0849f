from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch
from torch import nn
from toy import ToyBatches, toy_model

from resnets.native.accelerate import is_accelerated
from resnets.native.library import SWITCH, status
from resnets.training.fastest import fastest
from resnets.training.machine import Machine


def test_trying_leaves_the_model_as_it_was() -> None:
    model = toy_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    batch = next(iter(ToyBatches().epoch(0)))
    chosen = fastest(Machine(), model, batch.images, batch.labels)
    assert replace(chosen, channels_last=True, native=True) == Machine()
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not is_accelerated(model)


@pytest.mark.parametrize("slow", [torch.channels_last, torch.contiguous_format])
def test_the_layout_that_is_clearly_slower_is_not_taken(slow: torch.memory_format) -> None:
    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.is_contiguous(memory_format=slow):
                time.sleep(0.02)
            return self.scale * x.flatten(1)[:, :10]

    images, labels = torch.randn(4, 3, 5, 5), torch.zeros(4, dtype=torch.int64)
    chosen = fastest(Machine(native=False), Slow(), images, labels)
    assert chosen == Machine(native=False, channels_last=slow is torch.contiguous_format)


def test_kernels_that_are_switched_off_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "0")
    batch = next(iter(ToyBatches().epoch(0)))
    assert status().variant is None
    assert not fastest(Machine(), toy_model(), batch.images, batch.labels).native
