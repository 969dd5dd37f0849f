"""Images with labels and class names, wherever they came from: the seam between sources and everything else."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

from torch import Tensor

from resnets.data.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one size in memory, with their labels.

    Shapes:
        images uint8 (N, C, H, W), labels int64 (N,)
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

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> ImageSet:
        """The images at `indices`, int64 (M,), in that order."""
        files = tuple(self.files[place] for place in indices.tolist()) if self.files else ()
        return dataclasses.replace(self, images=self.images[indices], labels=self.labels[indices], files=files)

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
