"""Networks and recipes that were measured to work: one row for each kind of data and each amount of patience."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from resnets.recipe import Augmentation, Recipe
from resnets.views import Views

Patience = Literal["fast", "good", "best"]
Kind = Literal["digits", "things", "photos"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A network of the catalogue, how to train it, and how to ask it."""

    model: str
    recipe: Recipe
    views: Views = field(default_factory=Views)


_TURNED = Augmentation(shift=1, rotate=10, scale=0.1)
_TURNED_MORE = Augmentation(shift=2, rotate=12, scale=0.12, shear=5, erase=5)
_MIRRORED = Augmentation(shift=2, flip=True)
_PHOTOS = Augmentation(shift=4, flip=True)

_QUICK = Recipe(
    batch_size=256, optimizer="adamw", learning_rate=0.018, weight_decay=0.05, label_smoothing=0.05, ema_decay=0.985
)
_PATIENT = dataclasses.replace(_QUICK, learning_rate=0.014, ema_decay=0.996)

PRESETS: dict[Kind, dict[Patience, Preset]] = {
    "digits": {
        "fast": Preset(
            model="resnet6",
            recipe=dataclasses.replace(_QUICK, epochs=0.9, ema_decay=0.97, augmentation=Augmentation(shift=1)),
        ),
        "good": Preset(model="resnet6", recipe=dataclasses.replace(_QUICK, epochs=5, augmentation=_TURNED)),
        "best": Preset(
            model="resnet8",
            recipe=dataclasses.replace(_PATIENT, epochs=20, prune=0.5, augmentation=_TURNED_MORE),
            views=Views(scale=0.08, rotate=5),
        ),
    },
    "things": {
        "fast": Preset(model="resnet6_w64", recipe=dataclasses.replace(_QUICK, epochs=2, augmentation=_MIRRORED)),
        "good": Preset(model="resnet6_w64", recipe=dataclasses.replace(_QUICK, epochs=8, augmentation=_MIRRORED)),
        "best": Preset(model="resnet20", recipe=Recipe(epochs=20, ema_decay=0.998, augmentation=_MIRRORED)),
    },
    "photos": {
        "fast": Preset(model="resnet20", recipe=Recipe(epochs=5, augmentation=_PHOTOS)),
        "good": Preset(model="resnet20", recipe=Recipe(epochs=20, augmentation=_PHOTOS)),
        "best": Preset(model="resnet18", recipe=Recipe(epochs=60, augmentation=_PHOTOS)),
    },
}
"""What each reaches on MNIST is in docs/benchmarks.md, printed by `resnets bench mnist-fast` and so on."""


def preset(dataset: str, patience: Patience = "good") -> Preset:
    """The preset for a data set: digits for `mnist`, things for `fashion-mnist`, photos for everything else."""
    kinds: dict[str, Kind] = {"mnist": "digits", "fashion-mnist": "things"}
    return PRESETS[kinds.get(dataset, "photos")][patience]
