"""Small data sets written to disk, in the formats that the sources read."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnets.data.cifar import Cifar


def encoded_idx(array: NDArray[np.uint8]) -> bytes:
    """An array of unsigned bytes in the IDX format."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


def write_idx_set(
    folder: Path, ending: str = "", *, train: int = 6, test: int = 4, height: int = 4, width: int = 4
) -> None:
    """The four files of an MNIST-like set with two classes in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("t10k", test)):
        images = random.integers(0, 256, (count, height, width), dtype=np.uint8)
        labels = (np.arange(count) % 2).astype(np.uint8)
        for name, array in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
            content = encoded_idx(array)
            (folder / (name + ending)).write_bytes(gzip.compress(content) if ending == ".gz" else content)


def write_cifar(folder: Path, cifar: Cifar, names: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A set's binary files with random images; its images and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    class_names = tuple(names)
    (folder / cifar.names_file).write_text("\n".join(class_names) + "\n\n", encoding="utf-8")
    images, labels = [], []
    files = [*((name, cifar.train_rows) for name in cifar.train_files), (cifar.test_file, cifar.test_rows)]
    for name, count in files:
        rows = random.integers(0, 256, (count, cifar.labels + 3072), dtype=np.uint8)
        rows[:, : cifar.labels] = random.integers(0, len(class_names), (count, cifar.labels))
        (folder / name).write_bytes(rows.tobytes())
        images.append(rows[:, cifar.labels :].reshape(-1, 3, 32, 32))
        labels.append(rows[:, cifar.labels - 1])
    return np.concatenate(images), np.concatenate(labels)


def write_photo(path: Path, seed: int = 0, size: tuple[int, int] = (12, 9), **options: Any) -> None:
    """A picture of noise; its format is that of the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)


def write_class_folders(root: Path, counts: dict[str, int], suffix: str = ".png") -> None:
    """As many photos in each class folder."""
    for place, (name, count) in enumerate(counts.items()):
        for number in range(count):
            write_photo(root / name / f"{number:03d}{suffix}", seed=1000 * place + number)
