from __future__ import annotations

import errno
import random
from pathlib import Path

import pytest

from resnets.errors import ModelFileError, ResourceError
from resnets.storage import Disk
from resnets.training.checkpoint import KEPT, Checkpoints

FILES = {"model.safetensors": b"weights" * 50, "state.json": b"{}"}


def saved(folder: Path, steps: list[int]) -> Checkpoints:
    checkpoints = Checkpoints(folder, Disk())
    for step in steps:
        checkpoints.save(step, {**FILES, "state.json": str(step).encode()})
    return checkpoints


def test_the_newest_is_found_and_only_the_last_ones_stay(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, [5, 90, 1000])
    found = checkpoints.newest()
    assert found.folder.name == "step-0001000"
    assert found.files["state.json"] == b"1000"
    assert len(list(tmp_path.iterdir())) == KEPT


def test_no_checkpoint_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no checkpoint to resume from .*none was saved"):
        Checkpoints(tmp_path / "ckpt", Disk()).newest()


def test_a_damaged_one_is_skipped_and_said_so(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, [1, 2])
    (tmp_path / "step-0000002" / "state.json").write_bytes(b"3")
    found = checkpoints.newest()
    assert found.folder.name == "step-0000001"
    assert found.damaged == ("step-0000002",)


def test_all_damaged_is_an_error_that_names_them(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, [1])
    (tmp_path / "step-0000001" / "MANIFEST.json").write_bytes(b"not json")
    with pytest.raises(ModelFileError, match=r"all are damaged \(step-0000001\)"):
        checkpoints.newest()


def test_any_flipped_byte_is_found(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, [1, 2])
    newest = tmp_path / "step-0000002"
    choose = random.Random(0)
    for _ in range(100):
        victim = choose.choice(sorted(newest.iterdir()))
        original = victim.read_bytes()
        place = choose.randrange(len(original))
        victim.write_bytes(
            original[:place] + bytes([original[place] ^ (1 << choose.randrange(8))]) + original[place + 1 :]
        )
        assert checkpoints.newest().folder.name == "step-0000001", (victim, place)
        victim.write_bytes(original)
    assert checkpoints.newest().folder == newest


class FailingDisk(Disk):
    """Fails at its n-th operation, and at every one after it."""

    def __init__(self, fails_at: int) -> None:
        self.left = fails_at

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    def make_folder(self, path: Path) -> None:
        self._count()
        super().make_folder(path)

    def write(self, path: Path, content: bytes) -> None:
        self._count()
        super().write(path, content)

    def sync_folder(self, path: Path) -> None:
        self._count()
        super().sync_folder(path)

    def rename(self, old: Path, new: Path) -> None:
        self._count()
        super().rename(old, new)


@pytest.mark.parametrize("fails_at", range(7))
def test_a_disk_that_fills_up_at_any_operation_leaves_the_earlier_checkpoint(tmp_path: Path, fails_at: int) -> None:
    saved(tmp_path, [1])
    with pytest.raises(ResourceError, match=r"Disk full at .*step-0000002: need .* MB, have .* MB"):
        Checkpoints(tmp_path, FailingDisk(fails_at)).save(2, FILES)
    found = Checkpoints(tmp_path, Disk()).newest()
    assert found.folder.name in ("step-0000001", "step-0000002")  # the last operation only makes the new name durable
    assert not list(tmp_path.glob(".new-*"))
