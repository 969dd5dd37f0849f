"""Folders of photos, one folder for each class."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import torch
from torch import Tensor

from resnets.data import statistics
from resnets.data.imageset import ImageSet, Splits
from resnets.data.options import SourceOptions
from resnets.data.preprocessing import Preprocessing
from resnets.data.reading import Progress, read_pictures
from resnets.data.scan import LAYOUT, WHOLE, Pictures, scan, shortened
from resnets.data.split import stratified
from resnets.errors import DataError

SIZE = 64
"""Pixels, unless asked for otherwise."""
CARVED = 0.1
"""Share of the pictures for validation, and for test where one level of folders is split."""
PARTS = ("train", "validation", "test")
LISTED = 20
"""Most unreadable files that a message names."""

Labelled = list[tuple[Path, int]]


def load_folder(root: Path, options: SourceOptions, progress: Progress | None = None) -> Splits:
    """The pictures of a folder in three parts.

    Train, validation and test folders are taken as they are; without validation it gets a tenth of train. One level of
    class folders is split into 80 % train, 10 % validation and 10 % test.

    Raises:
        DataError: if the layout is not understood, the classes do not fit together, or too many files cannot be read.
        ResourceError: if the pictures do not fit into memory.
    """
    found = scan(root)
    names = options.class_names or _training_classes(root, found.parts)
    _refuse_unknown(root, found.parts, names)
    parts = _in_three({part: _labelled(pictures, names) for part, pictures in found.parts.items()}, options)
    preprocessing = options.preprocessing or Preprocessing(size=options.size or SIZE, resize=options.resize)
    everything = [item for part in PARTS for item in parts[part]]
    images, unreadable = read_pictures([path for path, _ in everything], preprocessing, progress)
    skipped = _skipped(unreadable, len(everything), options.max_bad)
    sets = _image_sets(root.resolve().name, parts, images, set(unreadable), names, preprocessing)
    if parts["train"] and not len(sets["train"]):
        raise DataError(f"None of the {len(parts['train']):,} training pictures in {root} can be read.")
    notices = (*found.notices, *_missing_classes(found.parts, names), *skipped)
    splits = Splits(sets["train"], sets["validation"], sets["test"] if parts["test"] else None, notices)
    return splits if options.preprocessing else _measured(splits)


def _image_sets(
    name: str,
    parts: dict[str, Labelled],
    images: Tensor,
    unreadable: set[int],
    class_names: tuple[str, ...],
    preprocessing: Preprocessing,
) -> dict[str, ImageSet]:
    """The images cut into parts, one after the other, without the unreadable ones."""
    sets, start = {}, 0
    for part in PARTS:
        files, block = parts[part], images[start : start + len(parts[part])]
        kept = [place for place in range(len(files)) if start + place not in unreadable]
        sets[part] = ImageSet(
            name=name,
            images=block if len(kept) == len(files) else block[kept],
            labels=torch.tensor([files[place][1] for place in kept], dtype=torch.int64),
            class_names=class_names,
            preprocessing=preprocessing,
            files=tuple(str(files[place][0]) for place in kept),
        )
        start += len(files)
    return sets


def _training_classes(root: Path, parts: dict[str, Pictures]) -> tuple[str, ...]:
    """The classes of the training part, by name."""
    if "train" not in parts and WHOLE not in parts:
        raise DataError(f"The folder {root} has {' and '.join(parts)} pictures but none for training. {LAYOUT}")
    names = tuple(sorted(parts.get("train") or parts[WHOLE]))
    if len(names) < 2:
        raise DataError(f"The folder {root} has only one class, '{names[0]}'; two are needed. {LAYOUT}")
    return names


def _refuse_unknown(root: Path, parts: dict[str, Pictures], names: tuple[str, ...]) -> None:
    for part, pictures in parts.items():
        unknown = [name for name in pictures if name not in names]
        if unknown:
            raise DataError(
                f"The {part} part of {root} has classes that were not trained: {shortened(unknown)}. "
                f"Trained: {shortened(names)}."
            )


def _missing_classes(parts: dict[str, Pictures], names: tuple[str, ...]) -> list[str]:
    return [
        f"The {part} part has no pictures of {len(missing)} of {len(names)} classes: {shortened(missing)}."
        for part, pictures in parts.items()
        if (missing := [name for name in names if name not in pictures])
    ]


def _labelled(pictures: Pictures, names: tuple[str, ...]) -> Labelled:
    return [(path, label) for label, name in enumerate(names) for path in pictures.get(name, ())]


def _in_three(parts: dict[str, Labelled], options: SourceOptions) -> dict[str, Labelled]:
    """`train`, `validation` and `test`, the missing ones carved off or empty."""
    three = {part: parts.get(part, []) for part in PARTS}
    if WHOLE in parts and options.whole_is_test:
        three["test"] = parts[WHOLE]
    elif WHOLE in parts:
        tenth = max(1, round(CARVED * len(parts[WHOLE])))
        rest, three["test"] = _carve(parts[WHOLE], tenth, options.seed)
        three["train"], three["validation"] = _carve(rest, tenth, options.seed)
    elif three["train"] and not three["validation"]:
        tenth = max(1, round(CARVED * len(three["train"])))
        three["train"], three["validation"] = _carve(three["train"], tenth, options.seed)
    return three


def _carve(files: Labelled, count: int, seed: int) -> tuple[Labelled, Labelled]:
    rest, carved = stratified(torch.tensor([label for _, label in files]), count, seed)
    return [files[place] for place in rest.tolist()], [files[place] for place in carved.tolist()]


def _skipped(unreadable: dict[int, str], total: int, max_bad: float) -> list[str]:
    """A notice of the files that are skipped.

    Raises:
        DataError: if they are too many, naming each.
    """
    if not unreadable:
        return []
    share = len(unreadable) / total
    reasons = list(unreadable.values())
    listing = "\n".join(f"  {reason}" for reason in reasons[:LISTED])
    more = f"\n  and {len(reasons) - LISTED:,} more" if len(reasons) > LISTED else ""
    count = f"{len(reasons):,} of {total:,} pictures cannot be read"
    if share > max_bad:
        raise DataError(
            f"{count}:\n{listing}{more}\nRepair or remove them, or skip them with --max-bad {math.ceil(100 * share)}%."
        )
    return [f"{count} and are skipped:\n{listing}{more}"]


def _measured(splits: Splits) -> Splits:
    """With the mean and standard deviation of the training part in the preprocessing."""
    measured = statistics.measure(splits.train.images)
    preprocessing = dataclasses.replace(splits.train.preprocessing, mean=measured.mean, std=measured.std)
    return splits.each(lambda part: dataclasses.replace(part, preprocessing=preprocessing))
