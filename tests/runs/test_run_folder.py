from __future__ import annotations

import json
from pathlib import Path

import pytest

from resnets.errors import ConfigError, ResourceError
from resnets.runs.folder import existing_run, new_run, newest_run, runs_of


def test_runs_are_numbered_and_never_reused(tmp_path: Path) -> None:
    names = [new_run(tmp_path, "mnist-resnet20").path.name for _ in range(3)]
    assert names == ["mnist-resnet20-001", "mnist-resnet20-002", "mnist-resnet20-003"]
    (tmp_path / "mnist-resnet20-002").rmdir()
    assert new_run(tmp_path, "mnist-resnet20").path.name == "mnist-resnet20-004"
    assert new_run(tmp_path, "mnist").path.name == "mnist-001"


def test_strange_labels_become_plain_names(tmp_path: Path) -> None:
    assert new_run(tmp_path, "my photos/../x").path.name == "my-photos-..-x-001"
    assert new_run(tmp_path, "  ").path.name == "run-001"


def test_the_runs_of_a_label_are_found_last_first(tmp_path: Path) -> None:
    assert runs_of(tmp_path / "nowhere", "mnist") == []
    for name in ("my-mnist-002", "my-mnist-1000", "my-mnist-01", "my-mnist", "mnist-001", "my-mnist-7-001"):
        (tmp_path / name).mkdir()
    assert [run.path.name for run in runs_of(tmp_path, "my mnist")] == ["my-mnist-1000", "my-mnist-002"]


def test_a_place_that_cannot_hold_runs_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="Cannot write to .*file"):
        new_run(tmp_path / "file", "mnist")


def test_small_files_are_replaced_whole(tmp_path: Path) -> None:
    folder = new_run(tmp_path, "mnist")
    folder.write("a.json", {"x": 1})
    folder.write("a.json", {"x": 2})
    assert json.loads((folder.path / "a.json").read_text()) == {"x": 2}
    assert [path.name for path in folder.path.iterdir()] == ["a.json"]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    folder = new_run(tmp_path, "mnist")
    folder.path.rmdir()
    with pytest.raises(ResourceError, match="Cannot write to"):
        folder.write("a.json", {})


def test_only_run_folders_are_taken_for_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a run folder: it has no config.yaml"):
        existing_run(tmp_path)
    with pytest.raises(ConfigError, match="no run to resume in"):
        newest_run(tmp_path)
    first = new_run(tmp_path, "mnist")
    first.write("config.yaml", "")
    assert newest_run(tmp_path).path == first.path
