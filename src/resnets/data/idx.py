"""The IDX format, in which MNIST and sets like it are published, plain or in gzip.

Four bytes (0, 0, type, number of dimensions), each dimension as a big-endian uint32, then the values. Image sets use
type 8, unsigned bytes.     [LeCun, yann.lecun.com/exdb/mnist]
"""

from __future__ import annotations

import gzip
import math
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnets.errors import DataError

Bytes = NDArray[np.uint8]

UNSIGNED_BYTE = 8
GZIP_MAGIC = b"\x1f\x8b"
LARGEST = 8 << 30
"""Most bytes that one file may hold, unpacked: 170 times MNIST. Guards against a gzip bomb."""


def read(path: Path, dimensions: int) -> Bytes:
    """The array that an IDX file holds; it must have as many dimensions: 3 for images (N, H, W), 1 for labels (N,).

    Raises:
        DataError: if the file is missing, cut off, too long, or not IDX of unsigned bytes.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            return _parse(file.read(4 + 4 * dimensions), file, path, dimensions)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}). Fetch it again.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _parse(header: bytes, rest: BufferedIOBase, path: Path, dimensions: int) -> Bytes:
    start = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if len(header) < 4 + 4 * dimensions or header[:4] != start:
        raise DataError(
            f"{path} is not an IDX file of unsigned bytes in {dimensions} dimensions: it starts with "
            f"{header[:4].hex(' ') or 'nothing'}, not with {start.hex(' ')}."
        )
    shape = [int(size) for size in np.frombuffer(header, ">u4", offset=4)]
    count = math.prod(shape)
    if count > LARGEST:
        raise DataError(f"{path} claims to hold {count:,} bytes, more than the {LARGEST:,} that are allowed.")
    content = rest.read(count + 1)
    if len(content) != count:
        what = "goes on after" if len(content) > count else f"ends after {len(content):,} of"
        raise DataError(f"{path} {what} the {count:,} bytes that its header announces: it is damaged. Fetch it again.")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def find(folder: Path, name: str) -> Path:
    """The file of that name in a folder, plain or `.gz`; also with a dot before `idx`, as some archives have it.

    Raises:
        DataError: if there is none.
    """
    for spelling in _spellings(name):
        if (folder / spelling).is_file():
            return folder / spelling
    raise DataError(f"{folder} has no file {name} or {name}.gz.")


def _spellings(name: str) -> list[str]:
    return [stem + ending for stem in (name, name.replace("-idx", ".idx")) for ending in ("", ".gz")]


def read_set(folder: Path) -> tuple[Bytes, Bytes, int]:
    """All images and labels of the four files of an MNIST-like set, those for training first, and how many these are.

    Shapes:
        images (N, H, W), labels (N,)

    Raises:
        DataError: if a file is missing or damaged, or if the files do not fit together.
    """
    images, labels = (
        [read(find(folder, f"{part}-{kind}"), dimensions) for part in ("train", "t10k")]
        for kind, dimensions in (("images-idx3-ubyte", 3), ("labels-idx1-ubyte", 1))
    )
    for part, pictures, classes in zip(("train", "t10k"), images, labels, strict=True):
        if len(pictures) != len(classes):
            raise DataError(f"{folder} has {len(pictures):,} {part} images but {len(classes):,} labels for them.")
    sizes = [" x ".join(map(str, pictures.shape[:0:-1])) for pictures in images]
    if sizes[0] != sizes[1]:
        raise DataError(f"{folder} has train images of {sizes[0]} pixels and t10k images of {sizes[1]}.")
    return np.concatenate(images), np.concatenate(labels), len(images[0])


def has_set(folder: Path) -> bool:
    """Whether a folder holds an MNIST-like set."""
    return any((folder / name).is_file() for name in _spellings("train-images-idx3-ubyte"))
