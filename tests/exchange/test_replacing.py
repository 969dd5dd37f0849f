from __future__ import annotations

import json
from pathlib import Path

import pytest

from resnets.errors import ResourceError
from resnets.exchange.replacing import check_own
from resnets.storage import Disk, write_folder

OWN = {"by": "us"}


def check(folder: Path) -> None:
    check_own(folder, "import", lambda config: config == OWN)


def test_nothing_an_empty_folder_and_own_work_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "own", {"config.json": json.dumps(OWN).encode()}, Disk())
    for name in ("absent", "empty", "own"):
        check(tmp_path / name)


@pytest.mark.parametrize(
    "files",
    [
        {"config.json": b'{"by": "others"}'},
        {"config.json": b'["by", "us"]'},
        {"config.json": b"{"},
        {"state.safetensors": b"a checkpoint has no config"},
    ],
)
def test_whole_folders_of_others_are_left(tmp_path: Path, files: dict[str, bytes]) -> None:
    write_folder(tmp_path / "theirs", files, Disk())
    with pytest.raises(ResourceError, match="theirs holds what `resnets import` did not write and is left as it is"):
        check(tmp_path / "theirs")


def test_own_work_with_something_else_beside_it_is_left(tmp_path: Path) -> None:
    write_folder(tmp_path / "own", {"config.json": json.dumps(OWN).encode()}, Disk())
    (tmp_path / "own" / "notes.txt").write_text("mine")
    with pytest.raises(ResourceError, match=r"holds what was not written here \(notes.txt\)"):
        check(tmp_path / "own")
