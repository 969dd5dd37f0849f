from __future__ import annotations

import hashlib
import importlib.resources
from pathlib import Path

import numpy as np
import pytest

from resnets.data import mnist
from resnets.errors import DataError

ORIGINAL_MD5 = {
    (0x803, 0, 60_000): "6bbc9ace898e44ae57da46a324031adb",
    (0x801, 0, 60_000): "a25bea736e30d166cdddb491f175f624",
    (0x803, 60_000, 70_000): "2646ac647ad5339dbf082846283269ea",
    (0x801, 60_000, 70_000): "27ae3e4e09519cfbb04c329615203637",
}
"""Of the original IDX files: magic number, first and last image."""


def test_every_original_file_is_held_byte_for_byte() -> None:
    images, labels = mnist.read()
    for (magic, start, stop), md5 in ORIGINAL_MD5.items():
        sizes = [stop - start, 28, 28] if magic == 0x803 else [stop - start]
        header = np.array([magic, *sizes], dtype=">u4").tobytes()
        content = (images if magic == 0x803 else labels)[start:stop].tobytes()
        assert hashlib.md5(header + content).hexdigest() == md5


def test_packed_file_is_at_most_ten_megabytes_and_its_origin_is_stated() -> None:
    assert mnist.FILE.stat().st_size <= 10_000_000
    origin = importlib.resources.files("resnets.data").joinpath("mnist", "ORIGIN.md").read_text(encoding="utf-8")
    assert "CC BY-SA 3.0" in origin
    assert all(name in origin for name in ("LeCun", "Cortes", "Burges"))
    assert all(md5 in origin for md5 in ORIGINAL_MD5.values())


def test_a_changed_byte_anywhere_is_refused(tmp_path: Path) -> None:
    packed = bytearray(mnist.FILE.read_bytes())
    damaged = tmp_path / "mnist.bin"
    for place in np.random.default_rng(0).integers(0, len(packed), 20).tolist():
        packed[place] ^= 0x10
        damaged.write_bytes(packed)
        packed[place] ^= 0x10
        with pytest.raises(DataError, match="is damaged: its SHA-256 is wrong. Install resnets again"):
            mnist.read(damaged)


def test_a_cut_or_missing_file_is_refused(tmp_path: Path) -> None:
    cut = tmp_path / "cut.bin"
    cut.write_bytes(mnist.FILE.read_bytes()[:-1])
    with pytest.raises(DataError, match="cut.bin is damaged"):
        mnist.read(cut)
    with pytest.raises(DataError, match="cannot be read .No such file or directory.. Install resnets again"):
        mnist.read(tmp_path / "none.bin")


def test_packing_again_gives_a_file_that_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = (array[:6000] for array in mnist.read())
    again = tmp_path / "again.bin"
    monkeypatch.setattr(mnist, "TRAIN", 4000)
    monkeypatch.setattr(mnist, "TEST", 2000)
    monkeypatch.setattr(mnist, "SHA256", mnist.write(again, images, labels))
    packed_images, packed_labels = mnist.read(again)
    np.testing.assert_array_equal(packed_images, images)
    np.testing.assert_array_equal(packed_labels, labels)
