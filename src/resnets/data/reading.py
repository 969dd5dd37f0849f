"""Many picture files, each decoded once, into one block of memory."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from resnets.data.decode import FOREIGN_SUFFIXES, decode, quiet
from resnets.data.memory import check_memory
from resnets.data.preprocessing import Preprocessing, prepare
from resnets.errors import ImageError

Progress = Callable[[int, int], None]
"""Told the number of files that are done, and of all."""


def read_pictures(
    files: Sequence[Path], preprocessing: Preprocessing, progress: Progress | None = None
) -> tuple[Tensor, dict[int, str]]:
    """The pictures as a network is shown them, and the places of those that cannot be read, with the reason.

    Shapes:
        uint8 (len(files), channels, size, size); what cannot be read is black

    Raises:
        ResourceError: if they do not fit into memory.
    """
    shape = (len(files), preprocessing.channels, preprocessing.size, preprocessing.size)
    check_memory(math.prod(shape), f"Holding {shape[0]:,} pictures of {shape[3]} x {shape[2]} pixels")
    images = torch.zeros(shape, dtype=torch.uint8)
    unreadable: dict[int, str] = {}

    def read(place: int) -> None:
        try:
            images[place] = prepare(_open(files[place]), preprocessing)
        except ImageError as error:
            name, reason = str(files[place]), str(error)
            unreadable[place] = reason if name in reason else f"{name}: {reason}"

    threads = ThreadPoolExecutor(os.cpu_count())  # Pillow releases the interpreter's lock while it decodes
    try:
        with quiet():
            for done, _ in enumerate(threads.map(read, range(len(files))), start=1):
                if progress is not None:
                    progress(done, len(files))
    finally:
        threads.shutdown(cancel_futures=True)  # Ctrl-C does not wait for the rest
    return images, dict(sorted(unreadable.items()))


def _open(file: Path) -> Image.Image:
    if file.suffix.lower() in FOREIGN_SUFFIXES:
        raise ImageError(f"{file} has a format that is not read. Convert it to JPEG or PNG.")
    return decode(file)
