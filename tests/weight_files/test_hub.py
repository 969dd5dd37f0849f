"""The Hub without a network: its own library on a cache as it lays it out, and stand-ins for what goes wrong."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from resnets.errors import ModelFileError
from resnets.weight_files.hub import fetch, is_hub_name
from resnets.weight_files.read import read_weights

STATE = {"fc.bias": torch.ones(2)}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Hub's cache with one repository, offline."""
    hub = pytest.importorskip("huggingface_hub")
    repository = tmp_path / "models--timm--tiny"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for branch in ("main", "v1"):
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / branch).write_text(COMMIT)
    safetensors.torch.save_file(STATE, snapshot / "model.safetensors")
    (snapshot / "config.json").write_text('{"architecture": "resnet18"}')
    real = hub.snapshot_download
    monkeypatch.setattr(hub, "snapshot_download", lambda *names, **options: real(*names, **options, cache_dir=tmp_path))
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path


@pytest.mark.parametrize("name", ["timm/tiny", "timm/tiny@v1", f"timm/tiny@{COMMIT}"])
def test_what_is_in_the_cache_needs_no_network(cache: Path, name: str) -> None:
    weights = read_weights(name)
    assert weights.tensors.keys() == STATE.keys()
    assert (weights.config, weights.source) == ({"architecture": "resnet18"}, name)


@pytest.mark.parametrize("name", ["timm/other", "timm/tiny@v2"])
def test_what_is_not_in_the_cache_says_what_to_do(cache: Path, name: str) -> None:
    message = f"^{name} is not in the Hub's cache and cannot be fetched .*fetch it once where there is a network"
    with pytest.raises(ModelFileError, match=message):
        read_weights(name)


def stand_in(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """A huggingface_hub that gives a folder or raises."""

    def snapshot_download(repository: str, **options: Any) -> str:
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(snapshot_download=snapshot_download))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("RepositoryNotFoundError", "There is no repository o/n on the Hub, or it is private"),
        ("RevisionNotFoundError", "o/n has no revision 'v9' on the Hub"),
        ("GatedRepoError", "is open only to those who accepted its terms"),
        ("HFValidationError", "is not a name on the Hub"),
        ("ConnectError", r"cannot be fetched \(ConnectError\)"),
    ],
)
def test_each_failure_is_one_plain_sentence(monkeypatch: pytest.MonkeyPatch, kind: str, message: str) -> None:
    stand_in(monkeypatch, type(kind, (Exception,), {})("long\ntext"))
    with pytest.raises(ModelFileError, match=message) as refusal:
        fetch("o/n@v9")
    assert "\n" not in str(refusal.value)


def test_a_repository_without_safetensors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    stand_in(monkeypatch, tmp_path)
    with pytest.raises(ModelFileError, match=r"o/n has no model.safetensors, and no other format is read from the Hub"):
        fetch("o/n")


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without(name: str) -> types.ModuleType:
        if name == "huggingface_hub":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ModelFileError, match=r"pip install 'resnets\[hub\]'; or give a local folder or file"):
        fetch("timm/resnet18.a1_in1k")


def test_a_local_folder_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, AssertionError("the Hub was asked"))
    monkeypatch.chdir(tmp_path)
    Path("timm/tiny").mkdir(parents=True)
    safetensors.torch.save_file(STATE, "timm/tiny/model.safetensors")
    assert read_weights("timm/tiny").tensors.keys() == STATE.keys()


@pytest.mark.parametrize("name", ["timm", "a/b/c", "timm/", "../x/y", "a b/c", "o/n@"])
def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    assert not is_hub_name(name)
    with pytest.raises(ModelFileError, match="is not a name on the Hub"):
        fetch(name)


def test_a_missing_file_is_not_looked_for_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, AssertionError("the Hub was asked"))
    with pytest.raises(ModelFileError, match="There is no file of weights at models/resnet18.pth"):
        read_weights("models/resnet18.pth")
