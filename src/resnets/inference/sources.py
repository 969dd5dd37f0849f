"""The pictures that a command line means: files, folders, patterns, and standard input."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from resnets.data.decode import SUFFIXES
from resnets.errors import DataError

STDIN = ("-", "stdin:")
"""Words for standard input."""


def find_pictures(words: Iterable[str]) -> Iterator[tuple[str, Path | bytes]]:
    """Name and content (a path, or the bytes of standard input) of each picture, in the order of the words.

    A folder stands for the picture files in it and below it, by name; hidden ones are left out.

    Raises:
        DataError: if a word names nothing.
    """
    for word in words:
        if word in STDIN:
            yield "stdin", _read_stdin()
        else:
            for path in _paths(word):
                yield str(path), path


def _read_stdin() -> bytes:
    content = sys.stdin.buffer.read()
    if not content:
        raise DataError("Standard input is empty; send it an image, e.g. `resnets predict digits - < photo.png`.")
    return content


def _paths(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if _is_picture(file, path)]
        if not found:
            raise DataError(f"The folder {path} holds no pictures; formats: {', '.join(sorted(SUFFIXES))}.")
        return found
    if path.exists():
        return [path]
    matches = sorted(Path(match) for match in glob.glob(word, recursive=True))  # noqa: PTH207 - words may be absolute
    if not matches:
        raise DataError(f"There is no file, folder or match for '{word}'.")
    return [inner for match in matches for inner in (_paths(str(match)) if match.is_dir() else [match])]


def _is_picture(file: Path, folder: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.is_file() and file.suffix.lower() in SUFFIXES and not is_hidden
