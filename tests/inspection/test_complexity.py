from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from oracles import PYCLS_ACTIVATIONS
from resnets.errors import ConfigError, ResourceError
from resnets.inspection.complexity import Complexity, complexity, trace
from resnets.inspection.overview import overview, repeated_complexity
from resnets.models.build import build
from resnets.models.catalogue import names, spec_of
from resnets.models.catalogue.counts import counted
from resnets.spec import ResNetSpec, replace

TINY = ResNetSpec(num_blocks=(1, 2), width=4, stem="small", num_classes=5)


def test_what_is_kept_is_what_is_counted() -> None:
    """After a wanted change: python tools/count_catalogue.py"""
    assert {row.name: row for row in overview()} == counted()
    assert list(counted()) == names()


@pytest.mark.parametrize("name", PYCLS_ACTIVATIONS)
def test_activations_are_those_of_pycls(name: str) -> None:
    spec = spec_of(name)
    assert complexity(spec, spec.usual_input).activations == PYCLS_ACTIVATIONS[name]


@pytest.mark.parametrize("name", [
    "resnet50", "resnet56", "resnet164_v2", "plain34", "se_resnet50", "eca_resnet50d", "res2net50_26w_4s",
    "skresnext50_32x4d", "revnet38", "revnet56", "convnext_tiny", "inception_resnet_v2",
])  # fmt: skip
def test_counting_one_unit_often_equals_counting_all(name: str) -> None:
    spec = spec_of(name)
    assert repeated_complexity(spec, spec.usual_input) == complexity(spec, spec.usual_input)


@pytest.mark.slow
def test_counting_one_unit_often_equals_counting_all_1202_layers() -> None:
    spec = spec_of("resnet1202")
    assert repeated_complexity(spec, (3, 32, 32)) == complexity(spec, (3, 32, 32))


def test_macs_by_hand() -> None:
    spec = ResNetSpec(num_blocks=(1,), width=2, stem="small", in_channels=1, num_classes=3)
    macs = 9 * 1 * 2 * 30 + 2 * 9 * 2 * 2 * 30 + 2 * 3
    parameters = 9 * 2 + 4 + 2 * (9 * 4 + 4) + 2 * 3 + 3
    activations = 3 * 2 * 30 + 3
    assert complexity(spec, (1, 5, 6)) == Complexity(parameters=parameters, macs=macs, activations=activations)


@pytest.mark.parametrize("output_stride", [4, 8, 16])
def test_dilation_costs_macs_and_no_parameters(output_stride: int) -> None:
    spec = ResNetSpec(width=8)
    strided = complexity(spec, (3, 64, 64))
    dilated = complexity(replace(spec, output_stride=output_stride), (3, 64, 64))
    assert dilated.parameters == strided.parameters
    assert dilated.macs > strided.macs


def test_shapes_are_those_of_a_real_run() -> None:
    model = build(replace(TINY, pooling="max", activation="gelu"), seed=0)
    shapes: dict[str, tuple[int, ...]] = {}

    def note(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        shapes[labels[module]] = tuple(output.shape[1:])

    labels = {module: name for name, module in model.named_modules()}
    handles = [module.register_forward_hook(note) for module in labels]
    model(torch.randn(2, 3, 9, 7))
    for handle in handles:
        handle.remove()
    assert {call.name: call.output_shape for call in trace(model, (3, 9, 7))[1]} == shapes


def test_counting_leaves_the_network_as_it_was() -> None:
    model = build(TINY, seed=0).train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    runs: list[int] = []
    model.register_forward_hook(lambda *_: runs.append(1))
    complexity(model, (3, 32, 32))
    assert not runs
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_replaced_head_is_counted() -> None:
    model = build(TINY)
    before = complexity(model, (3, 32, 32))
    model.replace_head(7)
    assert complexity(model, (3, 32, 32)).parameters - before.parameters == 2 * (8 + 1)


def test_network_changed_by_hand_is_refused() -> None:
    model = build(TINY)
    model.head.linear = nn.Linear(8, 9)
    with pytest.raises(ConfigError, match=r"changed by hand: its head.linear.bias is \(9,\), by its spec \(5,\)"):
        complexity(model, (3, 32, 32))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 32), "channels, height and width, e.g. 3x224x224; got \\(3, 32\\)"),
        ((3, 0, 32), "channels, height and width"),
        ((1, 32, 32), "takes images of 3 channels, got 1 channel"),
        ((3, 1, 32), "at least 2x2 pixels, got 1x32"),
    ],
)
def test_impossible_input_is_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        complexity(TINY, shape)


def test_layer_larger_than_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnets.models.memory.memory_bytes", lambda: 100.0)
    with pytest.raises(ResourceError, match="576 parameters need"):
        complexity(replace(TINY, num_blocks=(1,), in_channels=1, width=8, num_classes=2), (1, 8, 8))
