"""CIFAR-10 and CIFAR-100 in their binary version: rows of a label (or two) and 3 x 32 x 32 bytes.

[Krizhevsky 2009; cs.toronto.edu/~kriz/cifar.html]
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnets.data import statistics
from resnets.data.arrays import Arrays
from resnets.data.statistics import Statistics
from resnets.errors import DataError

Bytes = NDArray[np.uint8]

SIDE, CHANNELS = 32, 3


@dataclass(frozen=True, kw_only=True)
class Cifar:
    """One of the two sets."""

    name: str
    folder: str
    """Name of the folder in the published archive."""
    train_files: tuple[str, ...]
    test_file: str
    names_file: str
    labels: int
    """Labels at the start of a row; the last is used: CIFAR-100 puts a coarse one before the fine one."""
    train_rows: int
    """Images in each training file."""
    test_rows: int
    archive: str
    """Name of the published archive."""
    python_folder: str
    """Name of the folder in the archive of the other version, which holds pickles."""
    python_files: tuple[str, ...]
    """Files of the other version."""
    statistics: Statistics


CIFAR10 = Cifar(
    name="cifar10",
    folder="cifar-10-batches-bin",
    train_files=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test_file="test_batch.bin",
    names_file="batches.meta.txt",
    labels=1,
    train_rows=10_000,
    test_rows=10_000,
    archive="cifar-10-binary.tar.gz",
    python_folder="cifar-10-batches-py",
    python_files=("data_batch_1", "test_batch"),
    statistics=statistics.CIFAR10,
)
CIFAR100 = Cifar(
    name="cifar100",
    folder="cifar-100-binary",
    train_files=("train.bin",),
    test_file="test.bin",
    names_file="fine_label_names.txt",
    labels=2,
    train_rows=50_000,
    test_rows=10_000,
    archive="cifar-100-binary.tar.gz",
    python_folder="cifar-100-python",
    python_files=("train", "test", "meta"),
    statistics=statistics.CIFAR100,
)
BOTH = (CIFAR10, CIFAR100)


def find(place: Path, cifar: Cifar) -> Path | None:
    """The folder with the set's files: `place` or the archive's folder in it; None if there is none.

    Raises:
        DataError: if there is only the Python version.
    """
    for folder in (place, place / cifar.folder):
        if (folder / cifar.test_file).is_file():
            return folder
    for folder in (place, place / cifar.python_folder):
        if all((folder / name).is_file() for name in cifar.python_files):
            raise DataError(
                f"{folder} holds the Python version of {cifar.name}: pickles, which can run any program when they are "
                f"opened. Get the binary version, whose archive has the folder {cifar.folder}."
            )
    return None


def read(folder: Path, cifar: Cifar) -> Arrays:
    """All images, those for training first.

    Raises:
        DataError: if a file is missing, cut off, too long, or has a label without a name.
    """
    names = tuple(_read(folder / cifar.names_file).decode("utf-8", "replace").split())
    width = cifar.labels + CHANNELS * SIDE * SIDE
    files = [(name, cifar.train_rows) for name in cifar.train_files] + [(cifar.test_file, cifar.test_rows)]
    rows = np.concatenate([_rows(folder / name, count, width) for name, count in files])
    labels = rows[:, cifar.labels - 1]
    if labels.max() >= len(names):
        raise DataError(
            f"{folder} is damaged: a label is {labels.max()}, and {cifar.names_file} has {len(names)} names."
        )
    return Arrays(
        name=cifar.name,
        images=rows[:, cifar.labels :].reshape(-1, CHANNELS, SIDE, SIDE),
        labels=labels,
        num_train=len(rows) - cifar.test_rows,
        class_names=names,
        statistics=cifar.statistics,
    )


def _rows(path: Path, count: int, width: int) -> Bytes:
    content = _read(path)
    if len(content) != count * width:
        raise DataError(
            f"{path} has {len(content):,} bytes instead of {count * width:,}: it is damaged. Fetch it again."
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(count, width)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. The set is incomplete; fetch it again.") from error
