"""Whose weights these are: the layout whose names fit best, and the spec as that library's networks have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor

from resnets import values
from resnets.errors import ConfigError
from resnets.models.build import outline
from resnets.models.weights.layout import Layout
from resnets.models.weights.layouts import LAYOUTS
from resnets.models.weights.rules import Target
from resnets.spec import Spec, spec_from_dict
from resnets.weight_files.read import Weights

PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
"""What wrapping a network puts before every name: data parallelism, compilation, a training class."""
COUNTER = "num_batches_tracked"
"""Of a norm; only momentum=None looks at it, and files from before 2018 lack it."""


@dataclass(frozen=True)
class Recognition:
    """One reading of some weights for one spec."""

    layout: Layout
    spec: Spec
    """With the settings that the layout's networks have."""
    shapes: Mapping[str, torch.Size] = field(repr=False)
    """Of our weights."""
    targets: Mapping[str, Target] = field(repr=False)
    """Our names -> theirs."""
    tensors: Mapping[str, Tensor] = field(repr=False)
    """By their names, without what wrapping put before them."""

    @property
    def matched(self) -> int:
        """How many of our weights are there under their names."""
        return sum(target.name in self.tensors for target in self.targets.values() if not is_counter(target.name))

    @property
    def missing(self) -> list[str]:
        """Our weights that are not there."""
        return [
            name
            for name in self.shapes
            if not is_counter(name) and (name not in self.targets or self.targets[name].name not in self.tensors)
        ]

    @property
    def unknown(self) -> list[str]:
        """Their weights that our network has no place for, in alphabetical order, as a file's order means nothing."""
        used = {target.name for target in self.targets.values()}
        return sorted(
            name
            for name in self.tensors
            if name not in used and not is_counter(name) and not any(fnmatchcase(name, it) for it in self.layout.extras)
        )

    @property
    def is_likely(self) -> bool:
        """Whether at least half of the network's weights are there."""
        return self.matched >= len(self.missing)


def recognise(spec: Spec, weights: Weights) -> Recognition:
    """The reading of which most is there; where several are alike, the first of `LAYOUTS`."""
    return max(_readings(spec, weights), key=lambda reading: (reading.matched, -len(reading.missing)))


def shapes_of(spec: Spec) -> dict[str, torch.Size]:
    """The shape of each weight of a network."""
    return {name: tensor.shape for name, tensor in outline(spec).state_dict().items()}


def is_counter(name: str) -> bool:
    """Whether it is a norm's count of batches."""
    return name.endswith(COUNTER)


def with_settings(spec: Spec, settings: Mapping[str, Any]) -> Spec:
    """The spec with some settings changed, of which `norm.eps` is one of its norm's.

    Raises:
        ConfigError: if they contradict each other.
    """
    table = values.to_dict(spec)
    for path, item in settings.items():
        name, _, inner = path.partition(".")
        table[name] = {**table[name], inner: item} if inner else item
    return spec_from_dict(table)


def _readings(spec: Spec, weights: Weights) -> Iterator[Recognition]:
    tensors = unwrapped(weights.tensors)
    shapes = {spec: shapes_of(spec)}
    for layout in LAYOUTS:
        if not isinstance(spec, layout.family) or not layout.takes(spec):
            continue
        try:
            meant = with_settings(spec, layout.demands(spec, weights.config))
        except ConfigError:
            continue  # the library has no network of these settings
        if meant not in shapes:
            shapes[meant] = shapes_of(meant)
        yield Recognition(layout, meant, shapes[meant], layout.targets(meant, shapes[meant]), tensors)


def unwrapped(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors without what stands before every one of their names."""
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            return unwrapped({name[len(prefix) :]: tensor for name, tensor in tensors.items()})
    return tensors
