from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from resnets.errors import ModelFileError
from resnets.models.pretrained import create
from resnets.weight_files import pickled, read
from resnets.weight_files.read import read_weights

STATE = {"conv1.weight": torch.arange(12.0).reshape(4, 3), "fc.bias": torch.ones(2)}


class Canary:
    """A pickle that would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.path}'",)


def same(found: Any) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[name], STATE[name]) for name in STATE)


def test_safetensors_are_read_with_the_config_beside_them(tmp_path: Path) -> None:
    safetensors.torch.save_file(STATE, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"architecture": "resnet18"}')
    for path in (tmp_path, tmp_path / "model.safetensors"):
        weights = read_weights(path)
        assert same(weights.tensors)
        assert weights.config == {"architecture": "resnet18"}


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "pytorch_model.bin", "a.th", "a.pth.tar", "A.PTH"])
def test_pickles_are_known_by_their_ending(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.setattr(read, "read_pickled", lambda path: {"seen": path})
    assert read_weights(tmp_path / name).tensors == {"seen": tmp_path / name}


@pytest.mark.parametrize("key", [pytest.param("net", marks=pytest.mark.slow), "state_dict"])
def test_weights_are_found_where_training_scripts_keep_them(tmp_path: Path, key: str) -> None:
    torch.save({key: STATE, "best_prec1": 92.6, "epoch": 7, "optimizer": {"state": {}}}, tmp_path / "a.pth")
    assert same(read_weights(tmp_path / "a.pth").tensors)


@pytest.mark.slow
def test_the_old_format_of_before_torch_1_6_is_read(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert same(read_weights(tmp_path / "a.pth").tensors)


def hostile(folder: Path) -> dict[str, Path]:
    """Files whose opening by a careless reader would make `sung`."""
    canary = Canary(folder / "sung")
    files = {}
    for name, content in (("bare", canary), ("nested", {"state_dict": {**STATE, "x": canary}}), ("list", [canary])):
        files[f"{name}.pth"] = content
        files[f"{name}-old.pth"] = content
    made = {}
    for name, content in files.items():
        made[name] = folder / name
        torch.save(content, made[name], _use_new_zipfile_serialization="old" not in name)
    for name in ("raw.pth", "raw.bin", "raw.safetensors"):
        made[name] = folder / name
        made[name].write_bytes(pickle.dumps(canary))
    return made


def check_refused(folder: Path, name: str) -> None:
    path = hostile(folder)[name]
    with pytest.raises(ModelFileError, match=name) as refusal:
        read_weights(path)
    assert not (folder / "sung").exists()
    assert "\n" not in str(refusal.value)
    assert "weights_only" not in str(refusal.value), "torch's own advice is to read the file without restrictions"


def test_code_in_a_pickle_never_runs(tmp_path: Path) -> None:
    check_refused(tmp_path, "raw.safetensors")
    check_refused(tmp_path, "nested.pth")
    with pytest.raises(ModelFileError, match=r"asks for posix.system, and only plain tensors are read"):
        read_weights(tmp_path / "nested.pth")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["bare.pth", "list.pth", "bare-old.pth", "nested-old.pth", "list-old.pth", "raw.pth", "raw.bin"]
)
def test_code_in_any_pickle_never_runs(tmp_path: Path, name: str) -> None:
    check_refused(tmp_path, name)


def test_the_canary_would_sing(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Canary(tmp_path / "sung")))  # noqa: S301 - it is ours, and harmless
    assert (tmp_path / "sung").exists()


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("suffix", [pytest.param(".pth", marks=pytest.mark.slow), ".safetensors"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    path = tmp_path / f"a{suffix}"
    torch.save(STATE, path) if suffix == ".pth" else safetensors.torch.save_file(STATE, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ModelFileError, match="is empty" if part == 0 else "is not a whole [^.]*\\.$") as caught:
        read_weights(path)
    assert (
        str(caught.value).endswith("is empty." if part == 0 else ".") and len(str(caught.value)) < len(str(path)) + 120
    )


def test_a_safetensors_file_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    for header in (
        {"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
    ):
        text = json.dumps(header).encode()
        path = tmp_path / "a.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
        with pytest.raises(ModelFileError, match="not a whole safetensors file"):
            read_weights(path)
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(ModelFileError, match="not a whole safetensors file"):
        read_weights(path)


def test_a_pickle_that_claims_too_much_is_refused_by_the_childs_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(1).expand(10**10)}, path)  # 40 GB of numbers in a file of a kilobyte
    with pytest.raises(ModelFileError, match="more memory than a file of its size should"):
        read_weights(path)


@pytest.mark.slow
def test_a_bomb_of_compression_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(10)}, tmp_path / "a.pth")
    with (
        zipfile.ZipFile(tmp_path / "a.pth") as old,
        zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, bytes(2**29) if name.endswith("data/0") else old.read(name))
    assert (tmp_path / "b.pth").stat().st_size < 2**21
    with pytest.raises(ModelFileError, match="cannot be used"):
        read_weights(tmp_path / "b.pth")


def test_a_child_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(STATE, tmp_path / "a.pth")
    child = tmp_path / "child.py"
    child.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(pickled, "CHILD", child)
    monkeypatch.setattr(pickled, "SECONDS", 0.1)
    with pytest.raises(ModelFileError, match="was given up: reading it took more than 0.4 s"):
        read_weights(tmp_path / "a.pth")
    child.write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(pickled, "SECONDS", 10)
    with pytest.raises(ModelFileError, match="ended by signal 9; it may be damaged or hostile"):
        read_weights(tmp_path / "a.pth")
    child.write_text("raise SystemError('odd')")
    with pytest.raises(ModelFileError, match=r"the process that read it failed \(SystemError: odd\)"):
        read_weights(tmp_path / "a.pth")


def test_an_old_torch_opens_no_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(STATE, tmp_path / "a.pth")
    monkeypatch.setattr(torch, "__version__", "2.9.1+cpu")
    with pytest.raises(ModelFileError, match="which torch 2.9.1.cpu cannot open safely: install torch 2.10 or newer"):
        read_weights(tmp_path / "a.pth")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "it holds a list, not a table of weights"),
        ({"epoch": 3, "arch": "resnet50"}, r"none of its keys \(epoch, arch\) holds weights"),
    ],
)
def test_a_pickle_without_weights_says_what_it_holds(tmp_path: Path, content: Any, message: str) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(ModelFileError, match=message):
        read_weights(tmp_path / "a.pth")


@pytest.mark.parametrize("nothing", ["", " "])
def test_an_empty_name_is_not_this_folder(nothing: str) -> None:
    with pytest.raises(ModelFileError, match="No weights are named: give a file, a folder, or owner/name"):
        create("resnet20", pretrained=nothing)


def test_what_is_not_there_or_has_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="There is no file of weights at .*none.pth"):
        read_weights(tmp_path / "none.pth")
    with pytest.raises(ModelFileError, match="has no model.safetensors"):
        read_weights(tmp_path)
    (tmp_path / "weights.h5").write_bytes(b"x")
    with pytest.raises(ModelFileError, match=r"no file of weights by its name: known are .safetensors, .pth"):
        read_weights(tmp_path / "weights.h5")


@pytest.mark.parametrize(("text", "message"), [("[1]", "one JSON object"), ("{", "cannot be read as JSON")])
def test_a_config_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    safetensors.torch.save_file(STATE, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelFileError, match=message):
        read_weights(tmp_path)


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    safetensors.torch.save_file({}, tmp_path / "a.safetensors")
    with pytest.raises(ModelFileError, match="holds no tensors"):
        read_weights(tmp_path / "a.safetensors")
