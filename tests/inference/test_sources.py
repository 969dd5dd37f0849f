from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from resnets.errors import DataError
from resnets.inference.sources import find_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a.jpg", "sub/c.PNG", ".hidden/d.png", ".e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def names(words: list[str], folder: Path) -> list[str]:
    return [str(Path(name).relative_to(folder)) for name, _ in find_pictures(words)]


def test_a_folder_is_its_pictures_by_name_without_hidden_ones(folder: Path) -> None:
    assert names([str(folder)], folder) == ["a.jpg", "b.png", "sub/c.PNG"]


def test_words_keep_their_order_and_patterns_are_filled_in(folder: Path) -> None:
    words = [str(folder / "b.png"), str(folder / "*.jpg"), str(folder / "s*")]
    assert names(words, folder) == ["b.png", "a.jpg", "sub/c.PNG"]


def test_a_named_file_is_taken_whatever_it_is_called(folder: Path) -> None:
    assert names([str(folder / "notes.txt")], folder) == ["notes.txt"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        def __init__(self, content: bytes) -> None:
            self.buffer = io.BytesIO(content)

    monkeypatch.setattr(sys, "stdin", Input(b"picture"))
    assert list(find_pictures(["-"])) == [("stdin", b"picture")]
    monkeypatch.setattr(sys, "stdin", Input(b""))
    with pytest.raises(DataError, match="Standard input is empty"):
        list(find_pictures(["-"]))


def test_what_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no file, folder or match for '.*\*\.bmp'"):
        list(find_pictures([str(folder / "*.bmp")]))
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures; formats: "):
        list(find_pictures([str(folder / "empty")]))
