"""The learning rate at each moment of a training: a pure function of the recipe and the progress."""

from __future__ import annotations

import math
from bisect import bisect_right

from resnets.recipe import Recipe

FIRST_RATE = 0.1
"""The warm-up starts at a tenth of the largest rate.      [He 2015, section 4.2, uses 0.01 before 0.1]"""


def learning_rate(recipe: Recipe, progress: float) -> float:
    """The rate at `progress`, the part of the training that is done, from 0 to 1."""
    if progress < recipe.warmup:
        return recipe.learning_rate * (FIRST_RATE + (1 - FIRST_RATE) * progress / recipe.warmup)
    return recipe.learning_rate * _DECAY[recipe.schedule](recipe, progress)


def _linear(recipe: Recipe, progress: float) -> float:
    return (1 - progress) / (1 - recipe.warmup) if recipe.warmup < 1 else 1.0


def _cosine(recipe: Recipe, progress: float) -> float:
    return (1 + math.cos(math.pi * (1 - _linear(recipe, progress)))) / 2


def _multi_step(recipe: Recipe, progress: float) -> float:
    return float(0.1 ** bisect_right(recipe.milestones, progress))


def _constant(recipe: Recipe, progress: float) -> float:  # noqa: ARG001 - the four decays share a signature
    return 1.0


_DECAY = {"one_cycle": _linear, "cosine": _cosine, "multi_step": _multi_step, "constant": _constant}
