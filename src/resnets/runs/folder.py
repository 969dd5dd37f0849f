"""The folder of one training: numbered, never overwritten, used by one process at a time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resnets.errors import ConfigError, ResourceError
from resnets.storage import Disk, explained

_NUMBERED = re.compile(r"(.+)-(\d{3,})")


class RunFolder:
    """`runs/mnist-resnet20-001/` and what is in it:

    config.yaml  env.json  command.txt  data.json   what was asked, on what
    metrics.jsonl                                    one line an epoch; no clock times, so equal runs are equal files
    log.txt                                          what was said meanwhile, with times
    ckpt/step-0001170/                               checkpoints
    model/                                           the kept epoch's: what eval and predict take
    plots/                                           pictures
    result.json                                      what came out
    """

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path = path
        self.disk = disk or Disk()
        self._lock: int | None = None

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints go."""
        return self.path / "ckpt"

    @property
    def model(self) -> Path:
        """The artifact."""
        return self.path / "model"

    @property
    def plots(self) -> Path:
        """Where pictures go."""
        return self.path / "plots"

    @property
    def metrics(self) -> Path:
        """One JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def config(self) -> Path:
        """Everything resolved."""
        return self.path / "config.yaml"

    def write(self, name: str, content: str | Mapping[str, Any]) -> None:
        """Write a small file at once; a mapping as JSON.

        Raises:
            ResourceError: if it cannot be written.
        """
        text = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        target, fresh = self.path / name, self.path / f".new-{name}"
        try:
            fresh.unlink(missing_ok=True)
            self.disk.write(fresh, text.encode())
            self.disk.rename(fresh, target)
        except OSError as error:
            raise explained(error, target, len(text)) from error

    def truncate_metrics(self, size: int) -> None:
        """Forget the epochs after a checkpoint: they will be trained again."""
        if self.metrics.exists():
            os.truncate(self.metrics, size)

    def lock(self) -> None:
        """Keep other processes out until this one ends, however it ends.

        Raises:
            ResourceError: if another process trains in this folder.
        """
        try:
            descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise explained(error, self.path) from error
        if not _locked(descriptor):
            os.close(descriptor)
            raise ResourceError(f"Another process is training in {self.path}; wait for it, or start a run of its own.")
        self._lock = descriptor

    def unlock(self) -> None:
        """Let others in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def new_run(parent: Path, label: str) -> RunFolder:
    """The next free folder `parent/label-NNN`, made.

    Raises:
        ResourceError: if it cannot be made.
    """
    clean = _plain(label)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        number = max(_numbered(parent, clean), default=0)
        while True:
            number += 1
            try:
                (parent / f"{clean}-{number:03d}").mkdir()
            except FileExistsError:
                continue
            return RunFolder(parent / f"{clean}-{number:03d}")
    except OSError as error:
        raise explained(error, parent) from error


def runs_of(parent: Path, label: str) -> list[RunFolder]:
    """The folders `parent/label-NNN` that are there, the last first.

    Raises:
        ResourceError: if they cannot be looked at.
    """
    try:
        found = _numbered(parent, _plain(label)) if parent.is_dir() else {}
    except OSError as error:
        raise explained(error, parent) from error
    return [RunFolder(found[number]) for number in sorted(found, reverse=True)]


def existing_run(path: Path) -> RunFolder:
    """The folder of an earlier training.

    Raises:
        ConfigError: if it is not one.
    """
    if not (path / "config.yaml").is_file():
        raise ConfigError(f"{path} is not a run folder: it has no config.yaml.")
    return RunFolder(path)


def newest_run(parent: Path) -> RunFolder:
    """The run that was started last.

    Raises:
        ConfigError: if there is none.
    """
    configs = sorted(parent.glob("*/config.yaml"), key=lambda file: file.stat().st_mtime) if parent.is_dir() else []
    if not configs:
        raise ConfigError(f"There is no run to resume in {parent}.")
    return RunFolder(configs[-1].parent)


def _plain(label: str) -> str:
    """A label as the name of a folder."""
    return re.sub(r"[^\w.-]+", "-", label).strip("-") or "run"


def _numbered(parent: Path, clean: str) -> dict[int, Path]:
    """Number -> `parent/clean-NNN`."""
    matches = ((entry, _NUMBERED.fullmatch(entry.name)) for entry in parent.iterdir())
    return {int(match[2]): entry for entry, match in matches if match and match[1] == clean}


def _locked(descriptor: int) -> bool:
    """Take the system's lock on an open file; it falls with the process. Windows locks through msvcrt."""
    try:
        if os.name == "nt":
            import msvcrt  # noqa: PLC0415 - exists on Windows alone

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl  # noqa: PLC0415 - exists everywhere else

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
