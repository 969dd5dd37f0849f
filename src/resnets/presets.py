"""Networks and recipes that were measured to work: one row for each kind of data and each amount of patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnets.recipe import Augmentation, Recipe

Patience = Literal["fast", "good", "best"]
Kind = Literal["digits", "things", "photos"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A network of the catalogue and how to train it."""

    model: str
    recipe: Recipe


_DIGITS = Augmentation(shift=2, rotate=10, scale=0.1)
_THINGS = Augmentation(shift=2, flip=True)
_PHOTOS = Augmentation(shift=4, flip=True)

PRESETS: dict[Kind, dict[Patience, Preset]] = {
    "digits": {
        "fast": Preset(model="resnet20", recipe=Recipe(epochs=1)),
        "good": Preset(model="resnet20", recipe=Recipe(epochs=5, augmentation=_DIGITS)),
        "best": Preset(model="resnet20", recipe=Recipe(epochs=20, augmentation=_DIGITS)),
    },
    "things": {
        "fast": Preset(model="resnet20", recipe=Recipe(epochs=2, augmentation=_THINGS)),
        "good": Preset(model="resnet20", recipe=Recipe(epochs=8, augmentation=_THINGS)),
        "best": Preset(model="resnet20", recipe=Recipe(epochs=40, augmentation=_THINGS)),
    },
    "photos": {
        "fast": Preset(model="resnet20", recipe=Recipe(epochs=5, augmentation=_PHOTOS)),
        "good": Preset(model="resnet20", recipe=Recipe(epochs=20, augmentation=_PHOTOS)),
        "best": Preset(model="resnet18", recipe=Recipe(epochs=60, augmentation=_PHOTOS)),
    },
}


def preset(dataset: str, patience: Patience = "good") -> Preset:
    """The preset for a data set: digits for `mnist`, things for `fashion-mnist`, photos for everything else."""
    kinds: dict[str, Kind] = {"mnist": "digits", "fashion-mnist": "things"}
    return PRESETS[kinds.get(dataset, "photos")][patience]
