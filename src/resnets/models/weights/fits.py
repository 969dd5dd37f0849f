"""Which network of the catalogue some weights belong to, told by their shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import torch

from resnets.models.catalogue import CATALOGUE
from resnets.models.weights.recognise import recognise, shapes_of
from resnets.spec import Spec, replace
from resnets.weight_files.read import Weights

LAYERS_PER_DEPTH = 4
"""A network has at most so many layers with weights for each one on its main path."""
SHOWN = 4


def fitting_sentence(weights: Weights) -> str:
    """What the weights would fit, as a sentence."""
    shapes = _counted(tensor.shape for tensor in weights.tensors.values())
    alike = [name for name, spec in CATALOGUE.items() if _may_fit(spec, shapes) and _fits(spec, shapes)]
    readings = {name: recognise(CATALOGUE[name], weights) for name in alike}
    left = {name: len(reading.unknown) for name, reading in readings.items() if not reading.missing}
    named = [name for name in left if left[name] == min(left.values())]
    if usable := [name for name in named if not readings[name].layout.refusal]:
        return f"They fit {' or '.join(usable[:SHOWN])}."
    if named:
        layout = readings[named[0]].layout
        return f"They have the layout of {layout.name}, which cannot be used: {layout.refusal}."
    if alike:
        return f"By their shapes they are those of {' or '.join(alike[:SHOWN])}, but with names of no known layout."
    return "No network of the catalogue has weights of these shapes."


def changing_with(spec: Spec, setting: str) -> set[str]:
    """The weights whose shape depends on a setting that is a number, e.g. on `num_classes`."""
    one, other = shapes_of(spec), shapes_of(replace(spec, **{setting: getattr(spec, setting) + 1}))
    return {name for name in one if one[name] != other[name]}


def _counted(shapes: Iterable[torch.Size]) -> Counter[tuple[int, ...]]:
    """How often each shape occurs; vectors are left out, and a 1x1 convolution is a linear layer."""
    return Counter(
        tuple(shape[:2]) if tuple(shape[2:]) == (1, 1) else tuple(shape) for shape in shapes if len(shape) > 1
    )


def _may_fit(spec: Spec, found: Counter[tuple[int, ...]]) -> bool:
    return spec.depth <= found.total() <= LAYERS_PER_DEPTH * spec.depth


def _fits(spec: Spec, found: Counter[tuple[int, ...]]) -> bool:
    """Whether all shapes but those of the first layer and the classifier are the same."""
    shapes = shapes_of(spec)
    own = _counted(shapes.values())
    if own.total() != found.total() or (own - found).total() > SHOWN:
        return False
    free = changing_with(spec, "num_classes") | changing_with(spec, "in_channels")
    fixed = _counted(shape for name, shape in shapes.items() if name not in free)
    return bool(fixed) and not fixed - found
