from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from resnets.errors import ConfigError
from resnets.inference.engines import run_by
from resnets.inference.native import choices
from resnets.inference.native.network import PlannedNetwork
from resnets.models.build import build
from resnets.models.catalogue import CATALOGUE
from resnets.native import library
from resnets.spec import ResNetSpec

SPEC = ResNetSpec(num_blocks=(1,), width=16, stem="small", num_classes=3)
IMAGES = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
needs_kernels = pytest.mark.skipif(library.status().variant is None, reason="no native kernels here")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(choices, "cache_folder", lambda: tmp_path)
    return tmp_path


def test_pytorch_runs_the_network_itself() -> None:
    model = build(SPEC, seed=0).eval()
    assert run_by("torch", model) is model


def test_a_network_without_convolutions_is_run_as_it_is() -> None:
    model = build(CATALOGUE["perceptron"], seed=0).eval()
    assert run_by("auto", model) is model


@needs_kernels
def test_auto_takes_the_kernels_and_measures_nothing(cache: Path) -> None:
    model = build(SPEC, seed=0).eval()
    found = run_by("auto", model)
    assert isinstance(found, PlannedNetwork)
    with torch.no_grad():
        expected = model(IMAGES)
        torch.testing.assert_close(found(IMAGES), expected, rtol=1e-4, atol=1e-4)
    assert any(found._plans.values())
    assert not list(cache.iterdir())


@needs_kernels
def test_native_measures_at_once_and_keeps_what_it_found(cache: Path) -> None:
    run_by("native", build(SPEC, seed=0).eval())(IMAGES)
    assert len(list(cache.glob("choices-*.json"))) == 1


def test_without_kernels_auto_is_pytorch_and_native_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(library.SWITCH, "0")
    model = build(SPEC, seed=0).eval()
    assert run_by("auto", model) is model
    with pytest.raises(ConfigError, match=r"does not run here: switched off .* Take engine auto or torch"):
        run_by("native", model)


def test_an_unknown_engine_is_refused_with_a_suggestion() -> None:
    name: Any = "nativ"
    with pytest.raises(ConfigError, match=r"no engine 'nativ'. Did you mean 'native'\?"):
        run_by(name, build(SPEC, seed=0))
