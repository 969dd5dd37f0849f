"""Checkpoints: the newest whole one is what a training resumes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from resnets.errors import ModelFileError
from resnets.storage import Disk, is_whole, read_folder, write_folder

KEPT = 2
"""Whole checkpoints that stay: the newest, and the one before in case the newest is damaged later."""
_NAME = re.compile(r"step-(\d+)")


@dataclass(frozen=True)
class Found:
    """A whole checkpoint, and the names of newer ones that are damaged."""

    folder: Path
    files: dict[str, bytes]
    damaged: tuple[str, ...]


class Checkpoints:
    """The checkpoints of one run, `step-0001170/` and so on, in one folder."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.folder = folder
        self.disk = disk

    def save(self, step: int, files: Mapping[str, bytes]) -> Path:
        """Write a checkpoint, then delete all but the newest whole ones.

        Raises:
            ResourceError: if it cannot be written; the earlier checkpoints are untouched.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"step-{step:07d}"
        write_folder(target, files, self.disk)
        for old in self._all()[KEPT:]:
            self.disk.remove(old)
        return target

    def newest(self) -> Found:
        """The newest checkpoint that its manifest proves.

        Raises:
            ModelFileError: if there is none, naming the damaged ones.
        """
        damaged: list[str] = []
        for folder in self._all():
            if is_whole(folder):
                return Found(folder, read_folder(folder, "checkpoint"), tuple(damaged))
            damaged.append(folder.name)
        reason = f"all are damaged ({', '.join(damaged)})" if damaged else "none was saved"
        raise ModelFileError(f"There is no checkpoint to resume from in {self.folder}: {reason}.")

    def _all(self) -> list[Path]:
        """Newest first."""
        if not self.folder.is_dir():
            return []
        return sorted((entry for entry in self.folder.iterdir() if _NAME.fullmatch(entry.name)), reverse=True)
