from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from resnets.data.imageset import ImageSet, Splits
from resnets.data.preprocessing import Preprocessing
from resnets.errors import DataError

GREY = Preprocessing(size=4, channels=1, mean=(0.5,), std=(0.5,))


def _set(**changes: Any) -> ImageSet:
    fields: dict[str, Any] = {
        "name": "set",
        "images": torch.arange(48, dtype=torch.uint8).view(3, 1, 4, 4),
        "labels": torch.tensor([0, 1, 0]),
        "class_names": ("a", "b"),
        "preprocessing": GREY,
        "files": ("x.png", "y.png", "z.png"),
    }
    return ImageSet(**(fields | changes))


def test_subset_takes_images_labels_and_files_in_the_order_asked_for() -> None:
    part = _set().subset(torch.tensor([2, 1]))
    assert part.files == ("z.png", "y.png")
    assert part.labels.tolist() == [0, 1]
    assert torch.equal(part.images, _set().images[[2, 1]])
    assert len(_set(files=()).subset(torch.tensor([0]))) == 1


def test_fingerprint_changes_with_a_pixel_a_label_or_a_name_only() -> None:
    same = _set().fingerprint()
    assert _set(files=(), name="other").fingerprint() == same
    pixel = _set().images.clone()
    pixel[1, 0, 2, 2] += 1
    others = {_set(images=pixel), _set(labels=torch.tensor([0, 1, 1])), _set(class_names=("a", "c"))}
    assert len({other.fingerprint() for other in others} | {same}) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": torch.zeros(3, 1, 4, 4)}, "must be uint8 of shape .3, 1, 4, 4.*got torch.float32"),
        ({"images": torch.zeros(2, 1, 4, 4, dtype=torch.uint8)}, "got torch.uint8 of shape .2, 1, 4, 4"),
        ({"images": torch.zeros(3, 1, 5, 4, dtype=torch.uint8)}, "got torch.uint8 of shape .3, 1, 5, 4"),
        ({"labels": torch.tensor([0.0, 1.0, 0.0])}, "must be a row of int64, got torch.float32"),
        ({"labels": torch.tensor([0, 2, 0])}, "must be from 0 to 1, got 0 to 2"),
        ({"labels": torch.tensor([0, -1, 0])}, "must be from 0 to 1, got -1 to 0"),
        ({"files": ("x.png",)}, "has 3 images but names 1 files"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _set(**changes)


def test_each_changes_every_part_and_keeps_the_notices() -> None:
    splits = Splits(_set(), _set(), None, ("said",))
    changed = splits.each(lambda part: dataclasses.replace(part, name="new"))
    assert (changed.train.name, changed.validation.name, changed.test) == ("new", "new", None)
    assert changed.notices == ("said",)
    assert Splits(_set(), _set(), _set()).each(lambda part: part.subset(torch.tensor([0]))).test is not None
