"""MNIST, all 70,000 images of it, from a packed file inside the package.

The file: the sizes of all streams (uint32, little-endian), then the streams. Each part of 2,000 images has three:
labels, ink, values (see `packing.py`).
"""

from __future__ import annotations

import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from resnets.data import packing
from resnets.data.packing import Bytes
from resnets.errors import DataError

FILE = Path(__file__).with_name("mnist") / "mnist.bin"
SHA256 = "adc3e11f00e67b03fec005301a2fbfeb74cd13104801f99ef0589f5c5ce248a0"
"""Of the packed file; written by tools/pack_mnist.py when the packing changes."""
TRAIN, TEST, SIDE = 60_000, 10_000, 28
PART = 2_000
CLASS_NAMES = tuple("0123456789")


def read(path: Path = FILE) -> tuple[Bytes, Bytes]:
    """All images and labels in the order of the original files, the 60,000 for training first.

    Shapes:
        images (70000, 28, 28), labels (70000,)

    Raises:
        DataError: if the file is missing or a byte of it has changed.
    """
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"MNIST's packed file {path} cannot be read ({error.strerror}). Install resnets again."
        ) from error
    if hashlib.sha256(packed).hexdigest() != SHA256:
        raise DataError(f"MNIST's packed file {path} is damaged: its SHA-256 is wrong. Install resnets again.")
    sizes = np.frombuffer(packed, "<u4", (TRAIN + TEST) // PART * 3)
    ends = sizes.nbytes + np.cumsum(sizes, dtype=np.int64)
    streams = [packed[end - size : end] for size, end in zip(sizes.tolist(), ends.tolist(), strict=True)]
    images = np.zeros((TRAIN + TEST, SIDE, SIDE), dtype=np.uint8)
    with ThreadPoolExecutor() as threads:  # zlib and numpy release the interpreter's lock
        list(threads.map(packing.unpack, streams[1::3], streams[2::3], np.split(images, len(streams) // 3)))
    labels = np.frombuffer(b"".join(map(zlib.decompress, streams[0::3])), dtype=np.uint8)
    return images, labels


def write(path: Path, images: Bytes, labels: Bytes) -> str:
    """Pack all images and labels into `path`; the SHA-256 of the file.

    Shapes:
        images (70000, 28, 28), labels (70000,)
    """
    streams: list[bytes] = []
    for start in range(0, len(labels), PART):
        part = slice(start, start + PART)
        streams += [zlib.compress(labels[part].tobytes(), 9), *packing.pack(images[part])]
    sizes = np.array([len(stream) for stream in streams], dtype="<u4")
    packed = sizes.tobytes() + b"".join(streams)
    path.write_bytes(packed)
    return hashlib.sha256(packed).hexdigest()
