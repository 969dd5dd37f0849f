from __future__ import annotations

import pytest

from resnets.bench import build_time
from resnets.models.catalogue.counts import counted


def test_a_network_is_built_beside_its_layers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(build_time, "NETWORKS", ("resnet20",))
    monkeypatch.setattr(build_time, "ROUNDS", 2)
    monkeypatch.setattr(build_time, "_layers_alone", lambda *numbers: asked.append(numbers))
    ((name, modules, parameters, *times),) = build_time.build_time().rows
    assert (name, parameters) == ("resnet20", counted()["resnet20"].parameters)
    assert asked == [(19, 19)] * 2  # option A has no convolutions of its own
    assert int(modules) > 38
    assert all(float(milliseconds) >= 0 for milliseconds in times)


def test_layers_alone_are_on_the_meta_device() -> None:
    layers = build_time._layers_alone(3, 2)
    assert [type(layer).__name__ for layer in layers.children()] == ["Conv2d"] * 3 + ["BatchNorm2d"] * 2
    assert all(parameter.is_meta for parameter in layers.parameters())
