"""Images with labels and class names, wherever they came from: the seam between sources and everything else."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from resnets.data.preprocessing import Preprocessing
from resnets.errors import DataError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one size in memory, with their labels.

    Shapes:
        images uint8 (N, C, H, W), labels int64 (N,)

    Raises:
        DataError: if the fields contradict each other.
    """

    name: str
    """Where the images came from: `mnist`, `fashion-mnist`, `cifar10`, or the folder's name."""
    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    """How a new picture is made to look like these."""
    files: tuple[str, ...] = ()
    """Path of each image, for sets that were read from files; else empty."""

    def __post_init__(self) -> None:
        wanted = (len(self.labels), self.preprocessing.channels, self.preprocessing.size, self.preprocessing.size)
        if self.images.dtype != torch.uint8 or tuple(self.images.shape) != wanted:
            raise DataError(
                f"The images of '{self.name}' must be uint8 of shape {wanted}, as its labels and preprocessing say; "
                f"got {self.images.dtype} of shape {tuple(self.images.shape)}."
            )
        if self.labels.dtype != torch.int64 or self.labels.ndim != 1:
            raise DataError(f"The labels of '{self.name}' must be a row of int64, got {self.labels.dtype}.")
        if len(self) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.class_names):
            raise DataError(
                f"The labels of '{self.name}' must be from 0 to {len(self.class_names) - 1}, got "
                f"{int(self.labels.min())} to {int(self.labels.max())}."
            )
        if self.files and len(self.files) != len(self):
            raise DataError(f"'{self.name}' has {len(self)} images but names {len(self.files)} files.")

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> ImageSet:
        """The images at `indices`, int64 (M,), in that order."""
        files = tuple(self.files[place] for place in indices.tolist()) if self.files else ()
        return dataclasses.replace(
            self, images=self.images.index_select(0, indices), labels=self.labels.index_select(0, indices), files=files
        )

    def fingerprint(self) -> str:
        """SHA-256 of pixels, labels and class names: equal sets, equal text."""
        digest = hashlib.sha256("\0".join(self.class_names).encode())
        digest.update(self.labels.numpy().tobytes())
        digest.update(self.images.contiguous().numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set in its three parts: fit on `train`, choose on `validation`, look at `test` once."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet | None
    """None when the source has no test part."""
    notices: tuple[str, ...] = ()
    """What a user should know of the data: skipped files, empty classes."""

    def each(self, change: Callable[[ImageSet], ImageSet]) -> Splits:
        """With every part changed in the same way."""
        test = None if self.test is None else change(self.test)
        return Splits(change(self.train), change(self.validation), test, self.notices)
