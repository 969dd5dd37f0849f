"""Sets that come as arrays, such as MNIST and CIFAR, brought into three parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from resnets.data import statistics
from resnets.data.imageset import ImageSet, Splits
from resnets.data.options import SourceOptions
from resnets.data.preprocessing import Kind, Preprocessing
from resnets.data.split import stratified
from resnets.data.statistics import Statistics
from resnets.errors import ConfigError, DataError

VALIDATION = 5_000
"""Images that validation gets, or a tenth if that is less.     [He 2015, section 4.2]"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrays:
    """A set as it was published: images and labels, those for training first.

    Shapes:
        images uint8 (N, H, W) or (N, C, H, W), labels uint8 (N,)
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    num_train: int
    class_names: tuple[str, ...]
    statistics: Statistics | None = None
    """Of the training images, if known."""
    kind: Kind = "photo"

    def splits(self, options: SourceOptions) -> Splits:
        """The set with a validation part, ready for a new model or for the trained one that the options bring.

        Raises:
            DataError: if images are not square, a label has no name, or the trained model takes other images.
            ConfigError: if another size is asked for than the set has.
        """
        images = torch.from_numpy(self.images if self.images.ndim == 4 else self.images[:, None])
        labels = torch.from_numpy(self.labels.astype(np.int64))
        channels, height, width = images.shape[1:]
        if height != width:
            raise DataError(f"The images of {self.name} must be square, and have {width} x {height} pixels.")
        if options.size not in (None, height):
            raise ConfigError(
                f"The images of {self.name} have {height} pixels; size {options.size} is for folders of photos."
            )
        measured = self.statistics or statistics.measure(images[: self.num_train])
        own = Preprocessing(
            kind=self.kind, size=height, channels=channels, mean=measured.mean, std=measured.std, resize=options.resize
        )
        whole = ImageSet(self.name, images, labels, self.class_names, self._fitting(own, options.preprocessing))
        count = min(VALIDATION, max(1, self.num_train // 10))
        train, validation = stratified(labels[: self.num_train], count, options.seed)
        test = whole.subset(torch.arange(self.num_train, len(whole)))
        return Splits(whole.subset(train), whole.subset(validation), test)

    def _fitting(self, own: Preprocessing, wanted: Preprocessing | None) -> Preprocessing:
        if wanted is None:
            return own
        if (wanted.channels, wanted.size) != (own.channels, own.size):
            raise DataError(
                f"The images of {self.name} are {own.channels} x {own.size} x {own.size}, and the model takes "
                f"{wanted.channels} x {wanted.size} x {wanted.size}."
            )
        return wanted
