"""Which pictures a folder of class folders holds, before any of them is opened.

FOLDER/train/CLASS/*.jpg   FOLDER/val/CLASS/*.jpg   FOLDER/test/CLASS/*.jpg
FOLDER/CLASS/*.jpg
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from resnets.data.decode import FOREIGN_SUFFIXES, SUFFIXES
from resnets.errors import DataError

PART_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What the folder of a part may be called, in any case of letters."""
WHOLE = "whole"
"""The only part of a folder that has class folders at once."""
IGNORED = frozenset(("__macosx", "thumbs.db", "desktop.ini", "@eadir"))
"""What systems leave behind, in lower case, besides everything whose name starts with a dot."""
LAYOUT = "Pictures belong into FOLDER/train/CLASS/ (also FOLDER/val/CLASS/, FOLDER/test/CLASS/) or into FOLDER/CLASS/."

Pictures = dict[str, list[Path]]
"""The picture files of each class."""


@dataclass(frozen=True)
class Scan:
    """What was found."""

    parts: dict[str, Pictures]
    """`train`, `validation`, `test`, those that exist; or only `whole`."""
    notices: tuple[str, ...]
    """Sentences about what was left out."""


def scan(root: Path) -> Scan:
    """The picture files in a folder, by part and class.

    Raises:
        DataError: if it cannot be read, holds no pictures, or these are not sorted into class folders.
    """
    try:
        files, folders = _walk(root)
    except OSError as error:
        raise DataError(f"The folder {error.filename or root} cannot be read: {error.strerror}.") from error
    pictures = [file for file in files if _is_picture(file)]
    if not pictures:
        raise DataError(f"The folder {root} holds no pictures. {LAYOUT}")
    part_of = _part_folders(root, pictures)
    level = 1 if part_of else 0
    parts: dict[str, Pictures] = {}
    outside = []
    for picture in pictures:
        part = part_of.get(picture.parts[0]) if part_of else WHOLE
        if part is None or len(picture.parts) < level + 2:
            outside.append(picture)
        else:
            parts.setdefault(part, {}).setdefault(_class_name(picture, level), []).append(root / picture)
    if not parts:
        raise DataError(f"The pictures in {root} are not sorted into class folders. {LAYOUT}")
    used = {above for picture in pictures for above in picture.parents}
    empty = [folder for folder in folders if len(folder.parts) == level + 1 and folder not in used]
    strangers = [file for file in files if not _is_picture(file)]
    return Scan(parts, tuple(_notices(empty, outside, strangers)))


def shortened(names: Iterable[object], most: int = 5) -> str:
    """The first names and how many more there are."""
    texts = [str(name) for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most:,} more" if len(texts) > most else "")


def _walk(root: Path) -> tuple[list[Path], list[Path]]:
    """Files and folders below `root`, relative to it, by name; without what is hidden, and without loops of links."""

    def fail(error: OSError) -> None:
        raise error

    files, folders = [], []
    for place, inner, names in os.walk(root, followlinks=True, onerror=fail):
        here = Path(place)
        inner[:] = sorted(name for name in inner if not _is_hidden(name) and not _leads_back(here / name))
        folders += [(here / name).relative_to(root) for name in inner]
        visible = sorted(name for name in names if not _is_hidden(name))
        files += [(here / name).relative_to(root) for name in visible if _is_file(here / name)]
    return files, folders


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED


def _leads_back(folder: Path) -> bool:
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _is_file(path: Path) -> bool:
    return path.is_file() or path.is_symlink()  # a broken link is a file that cannot be read; a pipe would never end


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES or file.suffix.lower() in FOREIGN_SUFFIXES


def _part_folders(root: Path, pictures: list[Path]) -> dict[str, str]:
    """The part that each top folder stands for; none if these are class folders at once."""
    tops = dict.fromkeys(picture.parts[0] for picture in pictures if len(picture.parts) > 1)
    parts = {top: PART_NAMES[top.lower()] for top in tops if top.lower() in PART_NAMES}
    has_class_folders = {parts.get(picture.parts[0]) for picture in pictures if len(picture.parts) > 2}
    if "train" not in has_class_folders and len(parts) < len(tops):
        return {}  # `train` may be a class, beside `bus` and `car`
    for part in set(parts.values()):
        same = [top for top in parts if parts[top] == part]
        if len(same) > 1:
            raise DataError(
                f"The folder {root} has {' and '.join(same)}, which mean the same part. Rename or join them."
            )
    return parts


def _class_name(picture: Path, level: int) -> str:
    return unicodedata.normalize("NFC", picture.parts[level])  # systems store the same letters in different ways


def _notices(empty: list[Path], outside: list[Path], strangers: list[Path]) -> Iterator[str]:
    if empty:
        yield f"Left out, since without pictures: {shortened(empty)}."
    if outside:
        yield f"Left out, since outside the class folders: {shortened(outside)}."
    if strangers:
        yield f"Left out, since no pictures: {shortened(strangers)}."
