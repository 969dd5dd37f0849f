"""From what a user asks to a config in which everything is said."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping
from itertools import islice
from typing import Any

from resnets import values
from resnets.data.batches import Batches
from resnets.data.imageset import Splits
from resnets.errors import ConfigError
from resnets.evaluation.evaluate import score
from resnets.exchange.preprocessing import preprocessing_from
from resnets.models.build import build
from resnets.models.catalogue import CATALOGUE, spec_of
from resnets.models.weights.load import check_weights, fitting_spec
from resnets.native.library import status
from resnets.presets import preset
from resnets.recipe import Augmentation, Recipe
from resnets.runs.config import RunConfig
from resnets.runs.request import Request
from resnets.runs.train import evaluation_batches, load_splits, training_batches
from resnets.runs.watch import Watch
from resnets.spec import NormSpec, Spec, replace
from resnets.spec.staged import FixedSizeSpec
from resnets.training.fastest import fastest
from resnets.training.fit import train
from resnets.training.machine import Machine, find_device, physical_cores
from resnets.training.state import TrainingState
from resnets.views import Views
from resnets.weight_files.read import Weights, read_weights

SMALL_IMAGE = 64
"""Up to this size an ImageNet net gets its small stem unless another is asked for: the large one leaves 2x2 pixels."""
SMALL_FORMS: Mapping[str, tuple[object, Mapping[str, Any], str]] = {
    "stem": ("large", {"stem": "small"}, "its small stem; --stem large overrules"),
    "patch_size": (4, {"patch_size": 2}, "patches of 2x2 pixels for its stem; --patch-size 4 overrules"),
    "pooled_size": (7, {"pooled_size": 1, "hidden": ()}, "one linear layer to classify; --pooled-size 7 overrules"),
}
"""Setting -> its value for photographs, what small images get instead, and how that is said."""
SPEED_SAMPLE_SECONDS = 1.5
"""How long the speed is measured before a time budget is turned into epochs."""
MARGIN = 0.95
"""Part of a time budget that is planned for; the rest is for what varies."""


def plan(request: Request, watch: Watch) -> tuple[RunConfig, Splits]:
    """The config of a request, and the data, which are read on the way.

    Raises:
        ConfigError: if a setting is unknown, impossible or contradicts another.
        DataError: if the data cannot be used.
    """
    chosen = preset(request.dataset, request.preset)
    weights = None if request.pretrained is None else read_weights(request.pretrained)
    model = request.model or _named(weights) or chosen.model
    base = spec_of(model)
    recipe = changed_recipe(chosen.recipe, request.recipe, request.augmentation)
    machine = Machine(
        device=find_device(request.device), threads=request.threads or physical_cores(), native=request.native
    )
    machine.apply()
    config = RunConfig(
        dataset=request.dataset,
        data=request.data,
        size=request.size,
        resize=request.resize,
        max_bad=request.max_bad,
        model=model,
        pretrained=request.pretrained,
        recipe=recipe,
        views=changed_views(chosen.views, request.views),
        seed=request.seed,
        machine=machine,
    )
    splits = load_splits(config, watch)
    if weights:
        base, notes = fitting_spec(base, weights)
        watch.said(" ".join(notes))
    config = dataclasses.replace(config, spec=_spec(request, base, splits, watch))
    if weights:
        check_weights(config.spec, weights, replace_head=True)
        prepared, _ = preprocessing_from(weights.config, config.spec)
        config = dataclasses.replace(config, mean=prepared.mean, std=prepared.std)
    config = _on_fastest_machine(config, splits)
    if request.seconds is not None:
        config = within_time(config, splits, request.seconds)
    watch.said(_said_of(config))
    return config, splits


def changed(config: RunConfig, request: Request) -> RunConfig:
    """A stored config with what the user asks on top.

    Raises:
        ConfigError: as `plan`.
    """
    return dataclasses.replace(
        config,
        spec=_changed_spec(config.spec, request),
        recipe=changed_recipe(config.recipe, request.recipe, request.augmentation),
        views=changed_views(config.views, request.views),
    )


def changed_recipe(recipe: Recipe, changes: Mapping[str, Any], augmentation: Mapping[str, Any]) -> Recipe:
    """A recipe with some settings changed.

    Raises:
        ConfigError: if a setting is unknown or impossible.
    """
    settings = values.to_dict(recipe) | dict(changes)
    settings["augmentation"] = values.to_dict(recipe.augmentation) | dict(augmentation)
    return values.from_dict(Recipe, settings, "recipe")


def changed_views(views: Views, changes: Mapping[str, Any]) -> Views:
    """Views with some settings changed.

    Raises:
        ConfigError: if a setting is unknown or impossible.
    """
    return values.from_dict(Views, values.to_dict(views) | dict(changes), "views")


def within_time(config: RunConfig, splits: Splits, seconds: float) -> RunConfig:
    """The config with as many epochs as fit into `seconds`, measured on a copy that is then thrown away.

    Raises:
        ConfigError: if the time is not above zero, or too short for a single step.
    """
    if not seconds > 0 or not math.isfinite(seconds):
        raise ConfigError(f"The time for training must be above 0 seconds, got {seconds}.")
    batches = training_batches(config, splits.train)
    state = TrainingState(config.machine.place(build(config.spec, seed=config.seed)), config.recipe, len(batches))
    step_seconds = _seconds_per_step(config, state, batches)
    validation_seconds = _seconds_per_validation(state, splits)
    epoch_seconds = step_seconds * state.steps_per_epoch + validation_seconds
    epochs = (MARGIN * seconds - validation_seconds) / epoch_seconds
    if epochs * state.steps_per_epoch < 1:
        need = (step_seconds + validation_seconds) / MARGIN
        raise ConfigError(f"{seconds:g} s are too short: one step and a validation take about {need:.1f} s here.")
    exact = math.floor(epochs * state.steps_per_epoch) / state.steps_per_epoch
    return dataclasses.replace(config, recipe=dataclasses.replace(config.recipe, epochs=exact))


def _named(weights: Weights | None) -> str:
    """The network of the catalogue that the config beside the weights names; empty if it names none."""
    name = weights.config.get("architecture") if weights else None
    return name if isinstance(name, str) and name in CATALOGUE else ""


def _spec(request: Request, base: Spec, splits: Splits, watch: Watch) -> Spec:
    preprocessing = splits.train.preprocessing
    spec = replace(base, in_channels=preprocessing.channels, num_classes=max(1, len(splits.train.class_names)))
    if request.pretrained is None:
        spec = _for_size(spec, preprocessing.size, request, watch)
    spec = _changed_spec(spec, request)
    if request.pretrained is None:
        spec = _with_whole_pools(spec, preprocessing.size, request, watch)
    if problem := spec.input_problem(preprocessing.channels, preprocessing.size, preprocessing.size):
        raise ConfigError(f"{problem} {_instead(request)}")
    return spec


def _for_size(spec: Spec, size: int, request: Request, watch: Watch) -> Spec:
    """The spec with the settings that the size of the images decides, where they are not asked for."""
    if isinstance(spec, FixedSizeSpec) and spec.image_size != size and "image_size" not in request.network:
        watch.said(f"Images of {size} pixels: the network is built for these.")
        try:
            return replace(spec, image_size=size)
        except ConfigError as error:
            raise ConfigError(f"{error} {_instead(request)}") from error
    for name, (large, changes, saying) in SMALL_FORMS.items():
        if getattr(spec, name, None) == large and name not in request.network and size <= SMALL_IMAGE:
            watch.said(f"Images of {size} pixels: the network gets {saying}.")
            spec = replace(spec, **changes)
    return spec


def _with_whole_pools(spec: Spec, size: int, request: Request, watch: Watch) -> Spec:
    """The spec with pools that keep what is left over at odd edges, where the image is else too small for them all."""
    if size < spec.minimum_size and getattr(spec, "round_up", None) is False and "round_up" not in request.network:
        watch.said(f"Images of {size} pixels: the network pools what is left over at their edges as well.")
        spec = replace(spec, round_up=True)
    return spec


def _instead(request: Request) -> str:
    usual = preset(request.dataset, request.preset).model
    return f"Choose another --model, e.g. {usual}; photos in a folder also take another --size."


def _changed_spec(spec: Spec, request: Request) -> Spec:
    changes = dict(request.network)
    if request.norm:
        settings = values.to_dict(spec.norm) if hasattr(spec, "norm") else {}
        changes["norm"] = values.from_dict(NormSpec, settings | dict(request.norm), "norm")
    return replace(spec, **changes)


def _on_fastest_machine(config: RunConfig, splits: Splits) -> RunConfig:
    """Time a step of each setting of the machine, on a copy and a small batch."""
    batches = Batches(
        splits.train, batch_size=min(config.recipe.batch_size, 64), seed=0, augmentation=Augmentation(), training=False
    )
    sample, device = next(iter(batches.epoch(0))), config.machine.device
    model = build(config.spec, seed=config.seed).to(device)
    machine = fastest(config.machine, model, sample.images.to(device), sample.labels.to(device))
    return dataclasses.replace(config, machine=machine)


def _seconds_per_step(config: RunConfig, state: TrainingState, batches: Batches) -> float:
    """Of a training step with its batch, after the first ones have warmed up the machine."""
    steps = train(state, config.machine.place_batches(batches))
    for _ in islice(steps, 2):
        pass
    start, done = time.perf_counter(), 0
    for _ in steps:
        done += 1
        if time.perf_counter() - start > SPEED_SAMPLE_SECONDS:
            break
    return (time.perf_counter() - start) / max(done, 1)


def _seconds_per_validation(state: TrainingState, splits: Splits) -> float:
    start = time.perf_counter()
    score(state.model, evaluation_batches(splits.validation))
    return time.perf_counter() - start


def _said_of(config: RunConfig) -> str:
    machine, recipe = config.machine, config.recipe
    layout = "channels last" if machine.channels_last else "channels first"
    kernels = f"native kernels ({status().variant})" if machine.has_kernels else "PyTorch's kernels"
    return (
        f"{config.model} ({config.spec.depth} layers) on {config.dataset}: {recipe.epochs:g} epochs, "
        f"batch {recipe.batch_size}, {recipe.optimizer} with {recipe.schedule} up to {recipe.learning_rate:g}; "
        f"seed {config.seed}.\n"
        f"Machine: {machine.device}, {machine.threads} threads, {layout} and {kernels} (measured), denormals flushed, "
        f"fused steps{', freed memory kept' if machine.keep_memory else ''}."
    )
