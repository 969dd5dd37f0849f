"""Folders that are either whole or absent: written beside their final name, synced, listed with SHA-256, renamed.

A folder is `{name: bytes}` and a `MANIFEST.json`, written last, with size and SHA-256 of every file. A reader trusts
nothing that the manifest does not prove, so a torn write, a missing file or one flipped byte is found before use.
All writing goes through a `Disk`, so that tests can make each operation fail.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from resnets.errors import ModelFileError, ResourceError

MANIFEST = "MANIFEST.json"
OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Disk:
    """The few operations that change a disk."""

    def make_folder(self, path: Path) -> None:
        """Make a new folder and its parents."""
        path.mkdir(parents=True)

    def write(self, path: Path, content: bytes) -> None:
        """Write a new file and wait until it is on the disk."""
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def append(self, path: Path, content: bytes) -> None:
        """Add to the end of a file."""
        with path.open("ab") as file:
            file.write(content)

    def sync_folder(self, path: Path) -> None:
        """Wait until the folder's list of names is on the disk; Windows has no such call and needs none."""
        if os.name == "nt":
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or folder its final name."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Delete a folder of ours."""
        shutil.rmtree(path)


def write_folder(folder: Path, files: Mapping[str, bytes], disk: Disk) -> None:
    """Write a folder so that at any moment the name holds the old content or the new one, never a mixture.

    Raises:
        ResourceError: if the disk is full or the place cannot be written; what was there before is untouched.
    """
    token = uuid.uuid4().hex[:8]
    fresh, stale = (folder.parent / f".{state}-{folder.name}-{token}" for state in ("new", "old"))
    manifest = {name: {"bytes": len(content), "sha256": _sha256(content)} for name, content in files.items()}
    try:
        disk.make_folder(fresh)
        for name, content in {**files, MANIFEST: json.dumps(manifest, indent=1).encode()}.items():
            disk.write(fresh / name, content)
        disk.sync_folder(fresh)
        if folder.exists():
            disk.rename(folder, stale)
        disk.rename(fresh, folder)
        disk.sync_folder(folder.parent)
    except OSError as error:
        if stale.exists() and not folder.exists():
            stale.replace(folder)
        shutil.rmtree(fresh, ignore_errors=True)
        raise explained(error, folder, sum(map(len, files.values()))) from error
    if stale.exists():
        disk.remove(stale)


def check_replaceable(folder: Path) -> None:
    """Refuse to put a folder in the place of anything but an empty folder or one that `write_folder` wrote.

    Raises:
        ResourceError: if a file, a link, or a folder that holds anything else has the name.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ResourceError(f"{folder} is there and is no folder; give the name of a new folder.")
    if not folder.exists():
        return
    if foreign := sorted({entry.name for entry in folder.iterdir()} - _listed(folder)):
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise ResourceError(
            f"{folder} holds what was not written here ({', '.join(foreign[:3])}{more}) and is left as it is; give the "
            "name of a new folder."
        )


def read_folder(folder: Path, kind: str) -> dict[str, bytes]:
    """Every file of a folder that `write_folder` wrote, each proved by the manifest.

    Args:
        folder: the folder.
        kind: what it should be, for the error: `model`, `checkpoint`.

    Raises:
        ModelFileError: if the folder is missing, incomplete or changed by as little as one bit.
    """
    if not folder.is_dir():
        raise ModelFileError(f"There is no {kind} folder at {folder}.")
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        expected = {str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in manifest.items()}
    except FileNotFoundError as error:
        raise ModelFileError(f"{folder} is not a {kind} folder: it has no {MANIFEST}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"The {kind} at {folder} is damaged: {MANIFEST} cannot be read.") from error
    except OSError as error:
        raise ModelFileError(f"The {kind} at {folder} cannot be read: {error.strerror}.") from error
    return {name: _proved(folder, name, size, digest, kind) for name, (size, digest) in expected.items()}


def is_whole(folder: Path) -> bool:
    """Whether every file of the folder is what its manifest says."""
    try:
        read_folder(folder, "checkpoint")
    except ModelFileError:
        return False
    return True


def explained(error: OSError, path: Path, needed: int = 0) -> ResourceError:
    """The operating system's refusal to write, in words that say what to do."""
    if error.errno in OUT_OF_SPACE:
        have = f"{shutil.disk_usage(_existing(path)).free / 1e6:.1f} MB"
        return ResourceError(
            f"Disk full at {path}: need {needed / 1e6:.1f} MB, have {have}. Free some space and resume."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ResourceError(f"Cannot write to {path}: {error.strerror}. Choose another folder or change its rights.")
    return ResourceError(f"Cannot write to {path}: {error.strerror or error}.")


def _proved(folder: Path, name: str, size: int, digest: str, kind: str) -> bytes:
    if Path(name).name != name:
        raise ModelFileError(
            f"The {kind} at {folder} is damaged: {MANIFEST} names a file outside the folder, {name!r}."
        )
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise ModelFileError(f"The {kind} at {folder} is incomplete: {name} cannot be read.") from error
    if len(content) != size or _sha256(content) != digest:
        raise ModelFileError(f"The {kind} at {folder} is damaged: {name} is not the file that was saved.")
    return content


def _listed(folder: Path) -> set[str]:
    """The names in a folder's manifest and its own; none if there is none."""
    try:
        return {MANIFEST, *json.loads((folder / MANIFEST).read_bytes())}
    except (OSError, ValueError, TypeError, RecursionError):
        return set()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _existing(path: Path) -> Path:
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
