from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from resnets.errors import ModelFileError, ResourceError
from resnets.storage import MANIFEST, Disk, check_replaceable, explained, is_whole, read_folder, write_folder

FILES = {"a.bin": b"\0\1\2", "b.json": b"{}"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_folder(tmp_path / "model", FILES, Disk())
    assert read_folder(tmp_path / "model", "model") == FILES
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_folder(tmp_path / "model", FILES, Disk())
    write_folder(tmp_path / "model", {"c": b"new"}, Disk())
    assert read_folder(tmp_path / "model", "model") == {"c": b"new"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_only_nothing_an_empty_folder_and_one_of_ours_may_be_replaced(tmp_path: Path) -> None:
    write_folder(tmp_path / "ours", FILES, Disk())
    (tmp_path / "empty").mkdir()
    for name in ("absent", "empty", "ours"):
        check_replaceable(tmp_path / name)
    (tmp_path / "ours" / "notes.txt").write_text("mine")
    with pytest.raises(ResourceError, match=r"ours holds what was not written here \(notes.txt\)"):
        check_replaceable(tmp_path / "ours")


def test_what_a_user_has_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("letter", "link"):
        with pytest.raises(ResourceError, match="is there and is no folder; give the name of a new folder"):
            check_replaceable(tmp_path / name)
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("config.json", "model.safetensors", "a.jpg", "b.jpg", MANIFEST):
        (photos / name).write_text("5")
    with pytest.raises(ResourceError, match=r"\(MANIFEST.json, a.jpg, b.jpg and 2 more\) and is left as it is"):
        check_replaceable(photos)


@pytest.mark.parametrize("name", ["a.bin", "b.json", MANIFEST])
def test_a_missing_file_is_found(tmp_path: Path, name: str) -> None:
    write_folder(tmp_path / "model", FILES, Disk())
    (tmp_path / "model" / name).unlink()
    assert not is_whole(tmp_path / "model")


def test_errors_name_the_place(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="There is no model folder at .*nowhere"):
        read_folder(tmp_path / "nowhere", "model")
    with pytest.raises(ModelFileError, match=f"is not a model folder: it has no {MANIFEST}"):
        read_folder(tmp_path, "model")
    (tmp_path / MANIFEST).write_text("[1, 2]")
    with pytest.raises(ModelFileError, match=f"damaged: {MANIFEST} cannot be read"):
        read_folder(tmp_path, "model")


def test_a_manifest_cannot_point_outside_the_folder(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"../secret": {"bytes": 1, "sha256": "0"}}))
    with pytest.raises(ModelFileError, match="names a file outside the folder"):
        read_folder(tmp_path, "model")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "Disk full at .*: need 2.0 MB, have"),
        (errno.EDQUOT, "Disk full at"),
        (errno.EACCES, "Cannot write to .*: Permission denied. Choose another folder"),
        (errno.EROFS, "Cannot write to .*Read-only"),
        (errno.EIO, "Cannot write to"),
    ],
)
def test_refusals_of_the_system_are_explained(tmp_path: Path, number: int, text: str) -> None:
    import os
    import re

    error = explained(OSError(number, os.strerror(number)), tmp_path / "not" / "there", 2_000_000)
    assert re.search(text, str(error))
    assert error.exit_code == 7
