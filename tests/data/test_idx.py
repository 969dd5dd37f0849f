from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_files import encoded_idx, write_idx_set
from resnets.data import idx
from resnets.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_array_comes_back_plain_and_gzipped(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    file = tmp_path / "images"  # what decides is the content, not the name
    file.write_bytes(packed(encoded_idx(IMAGES)))
    np.testing.assert_array_equal(idx.read(file, 3), IMAGES)


GOOD = encoded_idx(IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file of unsigned bytes in 3 dimensions: it starts with nothing, not with 00 00 08 03"),
        (GOOD[:7], "is not an IDX file of unsigned bytes"),
        (b"\x89PNG" + GOOD[4:], "it starts with 89 50 4e 47"),
        (bytes([0, 0, 8, 1]) + GOOD[4:], "it starts with 00 00 08 01"),
        (bytes([0, 0, 13, 3]) + GOOD[4:], "it starts with 00 00 0d 03"),
        (GOOD[:-1], "ends after 59 of the 60 bytes that its header announces: it is damaged"),
        (GOOD + b"x", "goes on after the 60 bytes that its header announces"),
        (GOOD[:4] + b"\xff" * 12, "claims to hold 79,228,162,458,924,105,385,300,197,375 bytes, more than the"),
        (gzip.compress(GOOD)[:-9], "is a damaged gzip file"),
        (gzip.compress(GOOD[:-1]), "ends after 59 of the 60 bytes"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "images"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        idx.read(file, 3)


def test_a_changed_byte_in_a_gzip_file_is_always_noticed(tmp_path: Path) -> None:
    file = tmp_path / "images.gz"
    packed = gzip.compress(encoded_idx(np.arange(240, dtype=np.uint8).reshape(10, 6, 4)), mtime=0)
    for place in range(12, len(packed)):  # the first bytes hold time and system, which mean nothing
        damaged = bytearray(packed)
        damaged[place] ^= 0x04
        file.write_bytes(damaged)
        with pytest.raises(DataError):
            idx.read(file, 3)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none cannot be read: No such file or directory"):
        idx.read(tmp_path / "none", 3)
    with pytest.raises(DataError, match="has no file train-images-idx3-ubyte or train-images-idx3-ubyte.gz"):
        idx.find(tmp_path, "train-images-idx3-ubyte")


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_the_four_files_make_a_set(tmp_path: Path, ending: str) -> None:
    assert not idx.has_set(tmp_path)
    write_idx_set(tmp_path, ending)
    assert idx.has_set(tmp_path)
    images, labels, num_train = idx.read_set(tmp_path)
    assert images.shape == (10, 4, 4)
    assert labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert num_train == 6


def test_the_spelling_with_a_dot_is_found(tmp_path: Path) -> None:
    (tmp_path / "train-images.idx3-ubyte").write_bytes(GOOD)
    assert idx.find(tmp_path, "train-images-idx3-ubyte").name == "train-images.idx3-ubyte"
    assert idx.has_set(tmp_path)


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    write_idx_set(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(encoded_idx(np.zeros(5, dtype=np.uint8)))
    with pytest.raises(DataError, match="has 6 train images but 5 labels"):
        idx.read_set(tmp_path)
    write_idx_set(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(encoded_idx(np.zeros((4, 5, 5), dtype=np.uint8)))
    with pytest.raises(DataError, match="train images of 4 x 4 pixels and t10k images of 5 x 5"):
        idx.read_set(tmp_path)
