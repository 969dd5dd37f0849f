from __future__ import annotations

import dataclasses

import pytest

from resnets import values
from resnets.errors import ConfigError
from resnets.presets import PRESETS, preset
from resnets.recipe import Augmentation, Recipe


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(epochs=2.5, optimizer="adamw", milestones=(0.3, 0.6), augmentation=Augmentation(shift=2, flip=True))
    assert values.from_json(Recipe, values.to_json(recipe)) == recipe
    assert hash(recipe) == hash(dataclasses.replace(recipe))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be from"),
        ({"epochs": float("nan")}, "epochs must be a finite number"),
        ({"batch_size": 0}, "batch_size must be from 1"),
        ({"batch_size": 12.5}, "batch_size must be a whole number"),
        ({"momentum": 1}, "momentum must be from"),
        ({"optimizer": "sdg"}, "one of sgd, adamw; got 'sdg'. Did you mean 'sgd'?"),
        ({"label_smoothing": 1}, "label_smoothing must be from"),
        ({"ema_decay": 1.5}, "ema_decay must be from"),
        ({"accumulate": 0}, "accumulate must be from 1"),
        ({"prune": 0.9}, "prune must be from 0 to 0.75"),
        ({"milestones": (0.7, 0.2)}, "milestones must rise"),
        ({"milestones": (0.2, 1.5)}, "milestones must rise"),
        ({"schedule": "multi_step", "warmup": 0.9}, "would still rise after the first milestone"),
        ({"augmentation": {"turn": 3}}, "no setting 'turn'"),
        ({"augmentation": {"erase": -1}}, "erase must be from 0"),
    ],
)
def test_impossible_recipes_are_refused_by_name(settings: dict[str, object], message: str) -> None:
    import re

    with pytest.raises(ConfigError, match=re.escape(message)):
        values.from_dict(Recipe, settings)


def test_every_preset_names_a_network_and_suits_its_pictures() -> None:
    from resnets.models.catalogue import spec_of

    for kind, rows in PRESETS.items():
        for row in rows.values():
            spec_of(row.model)
            if kind == "digits":
                assert not row.recipe.augmentation.flip, "a mirrored digit is another one, or none"


def test_presets_are_found_by_data_set() -> None:
    assert preset("mnist") == PRESETS["digits"]["good"]
    assert preset("fashion-mnist", "fast") == PRESETS["things"]["fast"]
    assert preset("./holiday", "best") == PRESETS["photos"]["best"]
