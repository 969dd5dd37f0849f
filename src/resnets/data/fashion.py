"""Fashion-MNIST: its classes, where its four IDX files lie, and what they must contain.     [Xiao 2017]"""

from __future__ import annotations

import hashlib
from pathlib import Path

import platformdirs

from resnets.data import idx, statistics
from resnets.data.arrays import Arrays
from resnets.data.idx import Bytes
from resnets.errors import DataError

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SHA256 = "2cbc59191665e1ba3f2494648f17edac5974f748ab89fb2ae05597d658161f54"
"""Of all images and labels, those for training first."""
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where the package dataset-fashion-mnist of Debian and Ubuntu puts the files."""


def read(data: str | None) -> Arrays:
    """All 70,000 images, from the folder that the user names, or else from the usual places.

    Raises:
        DataError: if the files are not found, or are not those of Fashion-MNIST, byte for byte.
    """
    places = (
        [Path(data).expanduser()]
        if data
        else [platformdirs.user_cache_path("resnets") / "fashion-mnist", DEBIAN_FOLDER]
    )
    place = next((place for place in places if idx.has_set(place)), None)
    if place is None:
        raise DataError(
            f"Fashion-MNIST is not in {' or '.join(map(str, places))}. On Debian or Ubuntu: "
            "apt install dataset-fashion-mnist. Or get its four files (train-images-idx3-ubyte.gz, ...) and name their "
            "folder with --data DIR."
        )
    images, labels, num_train = idx.read_set(place)
    if digest(images, labels) != SHA256:
        raise DataError(f"The files in {place} are not those of Fashion-MNIST: their SHA-256 is wrong. Get them again.")
    return Arrays(
        name="fashion-mnist",
        images=images,
        labels=labels,
        num_train=num_train,
        class_names=CLASS_NAMES,
        statistics=statistics.FASHION_MNIST,
    )


def digest(images: Bytes, labels: Bytes) -> str:
    """SHA-256 of all pixels and labels."""
    return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
