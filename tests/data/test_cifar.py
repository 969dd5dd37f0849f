from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from data_files import write_cifar
from resnets.data import cifar
from resnets.data.cifar import Cifar
from resnets.errors import DataError

SMALL10 = dataclasses.replace(cifar.CIFAR10, train_rows=4, test_rows=3)
SMALL100 = dataclasses.replace(cifar.CIFAR100, train_rows=20, test_rows=5)
NAMES = ("airplane", "automobile", "bird")


@pytest.mark.parametrize("kind", [SMALL10, SMALL100], ids=["cifar10", "cifar100"])
def test_images_and_fine_labels_come_back(tmp_path: Path, kind: Cifar) -> None:
    images, labels = write_cifar(tmp_path, kind, NAMES)
    arrays = cifar.read(tmp_path, kind)
    np.testing.assert_array_equal(arrays.images, images)
    np.testing.assert_array_equal(arrays.labels, labels)
    assert arrays.num_train == 20
    assert arrays.class_names == NAMES
    assert arrays.name == kind.name


def test_full_sets_have_fifty_thousand_and_ten_thousand_images() -> None:
    for kind in cifar.BOTH:
        assert len(kind.train_files) * kind.train_rows == 50_000
        assert kind.test_rows == 10_000


def test_the_folder_of_the_archive_is_found_too(tmp_path: Path) -> None:
    assert cifar.find(tmp_path, SMALL10) is None
    write_cifar(tmp_path / "cifar-10-batches-bin", SMALL10, NAMES)
    assert cifar.find(tmp_path, SMALL10) == tmp_path / "cifar-10-batches-bin"
    assert cifar.find(tmp_path / "cifar-10-batches-bin", SMALL10) == tmp_path / "cifar-10-batches-bin"
    assert cifar.find(tmp_path, SMALL100) is None


@pytest.mark.parametrize(
    ("kind", "folder", "names"),
    [
        (SMALL10, "cifar-10-batches-py", ("data_batch_1", "test_batch", "batches.meta")),
        (SMALL100, "cifar-100-python", ("train", "test", "meta")),
    ],
)
def test_the_python_version_is_refused_unopened(
    tmp_path: Path, kind: Cifar, folder: str, names: tuple[str, ...]
) -> None:
    (tmp_path / folder).mkdir()
    for name in names:
        (tmp_path / folder / name).write_bytes(b"cos\nsystem\n(S'echo opened'\ntR.")
    for place in (tmp_path, tmp_path / folder):
        with pytest.raises(
            DataError, match=f"holds the Python version of {kind.name}: pickles.* Get the binary version"
        ):
            cifar.find(place, kind)


@pytest.mark.parametrize("change", [-1, 1, -3073, 3073])
def test_a_file_of_another_length_is_refused(tmp_path: Path, change: int) -> None:
    write_cifar(tmp_path, SMALL10, NAMES)
    file = tmp_path / "data_batch_3.bin"
    content = file.read_bytes()
    file.write_bytes(content[:change] if change < 0 else content + bytes(change))
    message = f"data_batch_3.bin has {12_292 + change:,} bytes instead of 12,292: it is damaged"
    with pytest.raises(DataError, match=message):
        cifar.read(tmp_path, SMALL10)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_cifar(tmp_path, SMALL10, NAMES)
    (tmp_path / "data_batch_5.bin").unlink()
    with pytest.raises(
        DataError, match="data_batch_5.bin cannot be read: No such file or directory. The set is incomplete"
    ):
        cifar.read(tmp_path, SMALL10)


def test_a_label_without_a_name_is_refused(tmp_path: Path) -> None:
    write_cifar(tmp_path, SMALL10, NAMES)
    file = tmp_path / "test_batch.bin"
    file.write_bytes(b"\x07" + file.read_bytes()[1:])
    with pytest.raises(DataError, match="is damaged: a label is 7, and batches.meta.txt has 3 names"):
        cifar.read(tmp_path, SMALL10)
