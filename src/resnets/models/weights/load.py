"""Weights of another library, or of another run, into a network of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from resnets import values
from resnets.errors import ModelFileError
from resnets.models.network import Network
from resnets.models.weights.first_layer import with_channels
from resnets.models.weights.fits import changing_with, fitting_sentence
from resnets.models.weights.recognise import Recognition, recognise, with_settings
from resnets.models.weights.rules import Target
from resnets.spec import Spec
from resnets.weight_files.read import Weights, read_weights

SHOWN = 5
"""Names of a kind that a report lists; a refusal, which should be short, lists two."""
State: TypeAlias = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class WeightReport:
    """What became of some weights."""

    source: str
    """Where they came from."""
    layout: str
    """Whose names they have."""
    matched: tuple[str, ...]
    """Our weights that were filled."""
    missing: tuple[str, ...] = ()
    """Our weights that were not there; they are as they were."""
    unknown: tuple[str, ...] = ()
    """Their weights that our network has no place for."""
    other_shape: tuple[str, ...] = ()
    """Our weights that were there in another shape, with both shapes."""
    replaced: tuple[str, ...] = ()
    """Weights of the classifier that were left fresh, for other classes."""
    notes: tuple[str, ...] = ()
    """What was changed on the way."""

    def __str__(self) -> str:
        parts = [f"{self.source}: {len(self.matched)} weights in the layout of {self.layout}."]
        parts += [f"The classifier is fresh ({', '.join(self.replaced)})."] if self.replaced else []
        parts += [*self.notes, _problems(self.missing, self.other_shape, self.unknown)]
        return " ".join(part for part in parts if part)


def load_weights(
    model: Network,
    weights: str | Path | State | Weights,
    *,
    replace_head: bool = False,
    partial: bool = False,
) -> WeightReport:
    """Fill a network with weights that torchvision, timm, Transformers or one of the known CIFAR projects made, or we.

    Whose they are is told by their names. A first convolution for another number of channels is adapted. A file that
    does not fit changes nothing.

    Args:
        model: the network.
        weights: a `.safetensors` file, a pickled checkpoint (opened by a process of its own, which runs no code in
            it), a folder with model.safetensors, or tensors by name.
        replace_head: leave the classifier as it is where the weights' has other classes.
        partial: take what fits; the report says what did not.

    Raises:
        ModelFileError: if the file cannot be read safely, is of another network (what it would fit is said), needs
            other settings, or holds numbers that are not finite.
    """
    if not isinstance(weights, Weights):
        weights = Weights(weights) if isinstance(weights, Mapping) else read_weights(weights)
    taken = _fitting(model.spec, weights, replace_head=replace_head, partial=partial)
    own = model.state_dict()
    with torch.no_grad():
        for name, tensor in taken.tensors.items():
            own[name].copy_(tensor)
    return taken.report()


def check_weights(spec: Spec, weights: Weights, *, replace_head: bool = False) -> None:
    """Refuse what `load_weights` would, before there is a network to fill.

    Raises:
        ModelFileError: as `load_weights`.
    """
    _fitting(spec, weights, replace_head=replace_head, partial=False)


def _fitting(spec: Spec, weights: Weights, *, replace_head: bool, partial: bool) -> _Taken:
    found = recognise(spec, weights)
    if not found.is_likely:
        raise ModelFileError(
            f"The names in {weights.source} are of no layout known for this network "
            f"({', '.join(sorted(found.tensors)[:2])}, ...). {fitting_sentence(weights)}"
        )
    _check_meaning(spec, found, weights)
    taken = _Taken(spec, found, weights, replace_head=replace_head)
    report = taken.report()
    if (problems := _problems(report.missing, report.other_shape, report.unknown, shown=2)) and not partial:
        raise ModelFileError(
            f"{weights.source} (layout of {found.layout.name}) cannot fill this network. {problems} "
            f"{taken.advice() or fitting_sentence(weights)}"
        )
    taken.check_finite()
    return taken


def fitting_spec(spec: Spec, weights: Weights) -> tuple[Spec, list[str]]:
    """The spec as the weights want it, and what was changed, in sentences.

    Only settings change that are known of the weights' library or read from their shapes: classes, channels of the
    image, eps, and where a bottleneck steps.
    """
    found = recognise(spec, weights)
    if not found.is_likely:
        return spec, []
    settings = _differences(spec, found.spec)
    notes = [f"{path} is {item} here, as in {found.layout.name}'s networks." for path, item in settings.items()]
    classes = _read_size(found, "num_classes", dimension=0)
    if classes and classes != spec.num_classes:
        settings["num_classes"] = classes
        notes.append(f"It has {classes} classes.")
    channels = _read_size(found, "in_channels", dimension=1)
    if channels and channels != spec.in_channels:
        settings["in_channels"] = channels
        notes.append(f"Its images have {channels} channels.")
    return with_settings(spec, settings), notes


def _read_size(found: Recognition, setting: str, dimension: int) -> int | None:
    """A setting as the shapes of the weights say it; None where they do not."""
    sizes = {
        found.tensors[target.name].shape[dimension]
        for name in changing_with(found.spec, setting)
        if (target := found.targets.get(name)) and target.name in found.tensors
        if dimension == 0 or found.tensors[target.name].ndim == 4  # a linear layer on pixels has more inputs than those
    }
    return sizes.pop() if len(sizes) == 1 else None


def _check_meaning(spec: Spec, found: Recognition, weights: Weights) -> None:
    """Refuse what names and shapes cannot tell and the library is known for."""
    if found.layout.refusal:
        raise ModelFileError(
            f"{weights.source} has the layout of {found.layout.name}, which cannot be used: {found.layout.refusal}."
        )
    if different := _differences(spec, found.spec):
        changes = ", ".join(f"{path}={item!r}" for path, item in different.items())
        raise ModelFileError(
            f"{weights.source} has the layout of {found.layout.name}, whose networks have {changes}; this one has not, "
            "and would answer differently. Build it with these settings, or let create(..., pretrained=...) or "
            "`resnets import` set them."
        )


def _differences(spec: Spec, wanted: Spec) -> dict[str, Any]:
    """The settings of `wanted` that `spec` has not."""
    one, other = _flat(values.to_dict(spec)), _flat(values.to_dict(wanted))
    return {path: other[path] for path in other if other[path] != one[path]}


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, item in table.items():
        flat |= _flat(item, f"{before}{name}.") if isinstance(item, Mapping) else {before + name: item}
    return flat


class _Taken:
    """The weights as our network wants them, and what did not fit."""

    def __init__(self, spec: Spec, found: Recognition, weights: Weights, *, replace_head: bool) -> None:
        self.spec, self.found, self.source = spec, found, weights.source
        self.replace_head = replace_head
        self.tensors: dict[str, Tensor] = {}
        self.other_shape: dict[str, str] = {}
        self.replaced: list[str] = []
        self.notes: list[str] = []
        orders = found.layout.orders(found.spec)
        for name, target in found.targets.items():
            if target.name in found.tensors:
                self._take(name, target, orders.get(name, {}))

    def _take(self, name: str, target: Target, order: Mapping[int, list[int]]) -> None:
        tensor, shape = self.found.tensors[target.name], self.found.shapes[name]
        is_alike = _squeezed(tensor.shape) == _squeezed(shape) or bool(target.form)
        if tensor.shape != shape and tensor.numel() == shape.numel() and is_alike:
            tensor = tensor.reshape(shape)
        if tensor.shape != shape:
            return self._take_other(name, tensor, shape)
        for dimension, places in order.items():
            tensor = tensor.index_select(dimension, torch.tensor(places))
        self.tensors[name] = tensor
        return None

    def _take_other(self, name: str, tensor: Tensor, shape: torch.Size) -> None:
        is_convolution = len(shape) == tensor.ndim == 4 and _without_inputs(shape) == _without_inputs(tensor.shape)
        if is_convolution and name in changing_with(self.spec, "in_channels"):
            self.tensors[name] = with_channels(tensor, shape[1])
            self.notes.append(f"The first convolution was adapted from {tensor.shape[1]} to {shape[1]} channels.")
        elif self.replace_head and name in changing_with(self.spec, "num_classes"):
            self.replaced.append(name)
        else:
            self.other_shape[name] = f"{name} is {tuple(tensor.shape)} there and {tuple(shape)} here"

    def report(self) -> WeightReport:
        """What became of each weight."""
        return WeightReport(
            source=self.source,
            layout=self.found.layout.name,
            matched=tuple(self.tensors),
            missing=tuple(self.found.missing),
            unknown=tuple(self.found.unknown),
            other_shape=tuple(self.other_shape.values()),
            replaced=tuple(self.replaced),
            notes=tuple(self.notes),
        )

    def advice(self) -> str:
        """What to do where nothing but the classifier differs."""
        if self.other_shape and set(self.other_shape) <= changing_with(self.spec, "num_classes"):
            return "To give the network a fresh classifier, ask for it: replace_head=True, or --replace-head."
        return ""

    def check_finite(self) -> None:
        """Refuse numbers with which every answer would be NaN."""
        for name, tensor in self.tensors.items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                bad = int((~tensor.isfinite()).sum())
                theirs = self.found.targets[name].name
                raise ModelFileError(
                    f"{self.source}: {bad} of the {tensor.numel()} numbers in '{theirs}' are not finite; the training "
                    "that made it diverged, or the file is damaged."
                )
            if tensor.is_complex() or tensor.is_quantized:
                raise ModelFileError(f"{self.source}: '{name}' holds {tensor.dtype}, not plain numbers.")


def _without_inputs(shape: torch.Size) -> tuple[int, ...]:
    """Of a convolution: its outputs and its kernel."""
    return shape[0], *shape[2:]


def _squeezed(shape: torch.Size) -> tuple[int, ...]:
    """The shape without trailing ones beyond the second dimension."""
    sizes = list(shape)
    while len(sizes) > 2 and sizes[-1] == 1:
        sizes.pop()
    return tuple(sizes)


def _problems(missing: Iterable[str], other_shape: Iterable[str], unknown: Iterable[str], *, shown: int = SHOWN) -> str:
    sentences = []
    for title, names in (("Missing", missing), ("Other shape", other_shape), ("Unknown", unknown)):
        if listed := list(names):
            more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
            sentences.append(f"{title}: {', '.join(listed[:shown])}{more}.")
    return " ".join(sentences)
