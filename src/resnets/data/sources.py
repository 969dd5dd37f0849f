"""Data sets by name or folder, each in three parts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import platformdirs
import torch

from resnets.data import cifar, fashion, idx, mnist, statistics
from resnets.data.arrays import Arrays
from resnets.data.folder import load_folder
from resnets.data.imageset import ImageSet, Splits
from resnets.data.options import SourceOptions
from resnets.data.reading import Progress
from resnets.data.scan import shortened
from resnets.errors import DataError, suggestion

__all__ = ["NAMES", "SourceOptions", "load"]

NAMES = ("mnist", "fashion-mnist", "cifar10", "cifar100")
"""Sets that have a name of their own; everything else is a folder."""


def load(source: str, options: SourceOptions | None = None, *, progress: Progress | None = None) -> Splits:
    """A data set in three parts: one of `NAMES`, or a folder with class folders, IDX files or CIFAR's binary files.

    Raises:
        DataError: if it is unknown, missing, damaged, or does not fit the trained model of the options.
        ConfigError: if another size is asked for than the set has.
        ResourceError: if it does not fit into memory.
    """
    options = options or SourceOptions()
    folder = Path(source).expanduser()
    if source in NAMES:
        splits = _named(source, options.data).splits(options)
    elif source and folder.is_dir():
        arrays = _arrays_in(folder)
        splits = load_folder(folder, options, progress) if arrays is None else arrays.splits(options)
    else:
        raise _unknown(source, folder)
    if options.class_names is None:
        return splits
    names = options.class_names
    return splits.each(lambda part: _relabelled(part, names))


def _named(name: str, data: str | None) -> Arrays:
    if name == "mnist":
        images, labels = mnist.read()
        return Arrays(
            name=name,
            images=images,
            labels=labels,
            num_train=mnist.TRAIN,
            class_names=mnist.CLASS_NAMES,
            statistics=statistics.MNIST,
            kind="digit",
        )
    if name == "fashion-mnist":
        return fashion.read(data)
    kind = next(kind for kind in cifar.BOTH if kind.name == name)
    place = Path(data).expanduser() if data else platformdirs.user_cache_path("resnets") / name
    found = cifar.find(place, kind)
    if found is None:
        raise DataError(
            f"{name} is not in {place}. Get its binary version ({kind.archive}, www.cs.toronto.edu/~kriz/cifar.html), "
            "unpack it, and name the folder with --data DIR."
        )
    return cifar.read(found, kind)


def _arrays_in(folder: Path) -> Arrays | None:
    """The set of IDX or CIFAR files in a folder, if that is what it holds."""
    if idx.has_set(folder):
        images, labels, num_train = idx.read_set(folder)
        names = tuple(str(label) for label in range(int(labels.max()) + 1))
        return Arrays(name=folder.resolve().name, images=images, labels=labels, num_train=num_train, class_names=names)
    for kind in cifar.BOTH:
        found = cifar.find(folder, kind)
        if found is not None:
            return cifar.read(found, kind)
    return None


def _unknown(source: str, path: Path) -> DataError:
    if source and path.exists():
        return DataError(f"{source} is a file, and data are a folder. Unpack it if it is an archive.")
    if any(sign in source for sign in "/\\.~"):
        return DataError(f"There is no folder {source}.")
    known = ", ".join(NAMES)
    return DataError(
        f"There is no data set or folder '{source}'.{suggestion(source, NAMES)} Known: {known}, or a folder."
    )


def _relabelled(part: ImageSet, names: tuple[str, ...]) -> ImageSet:
    """With the labels of a trained model: its class of the same name."""
    if part.class_names == names:
        return part
    unknown = [name for name in part.class_names if name not in names]
    if unknown:
        raise DataError(
            f"'{part.name}' has classes that were not trained: {shortened(unknown)}. Trained: {shortened(names)}."
        )
    places = torch.tensor([names.index(name) for name in part.class_names])
    return dataclasses.replace(part, labels=places[part.labels], class_names=names)
