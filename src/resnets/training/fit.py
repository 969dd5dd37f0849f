"""The training loop: a story without forks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from resnets.outputs import as_outputs
from resnets.recipe import Recipe
from resnets.training.divergence import diverged
from resnets.training.loss import training_loss
from resnets.training.schedule import learning_rate
from resnets.training.state import Sums, TrainingState


class Batch(Protocol):
    """Images (N, C, H, W), float32, with their labels (N,), int64, and places in the training set."""

    @property
    def images(self) -> Tensor:
        """Already augmented and normalised."""

    @property
    def labels(self) -> Tensor:
        """Indices of classes."""

    @property
    def indices(self) -> Tensor:
        """Places in the training set; int64 (N,), always on the CPU."""


class Batches(Protocol):
    """The training set in batches; an epoch depends on its number, and what it leaves out on the losses, alone."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, epoch: int, start_step: int, losses: Tensor) -> Iterable[Batch]:
        """The batches of an epoch, from number `start_step` on; `losses` (M,) are those of the first M images."""


Validate = Callable[[nn.Module], tuple[float, float, int]]
"""A model's loss and accuracy on the validation part, and the number of images in it."""


@dataclass(frozen=True)
class EpochDone:
    """An epoch ended, or the training in the middle of one."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    is_best: bool
    """Whether these weights are the ones to keep so far; always true without validation."""


@dataclass(frozen=True)
class StepDone:
    """One step of the optimiser was taken."""

    step: int
    """Steps taken so far."""
    epoch: int
    """Number of the epoch, from 1."""
    loss: float
    """Mean loss of the step's images, before the step."""
    accuracy: float
    """Part of the step's images that were classified rightly, before the step."""
    images: int
    """Images in the step."""
    learning_rate: float
    epoch_done: EpochDone | None
    """What the epoch came to, if this step was its last."""


def fit(
    model: nn.Module, batches: Batches, recipe: Recipe, validate: Validate | None = None
) -> tuple[nn.Module, list[EpochDone]]:
    """Train a model; returns the network to keep (the weights' average, if the recipe has one) and the epochs' history.

    Raises:
        DivergedError: if the loss stops being a finite number.
    """
    state = TrainingState(model, recipe, len(batches))
    history = [step.epoch_done for step in train(state, batches, validate) if step.epoch_done]
    return state.average.model.eval(), history


def train(state: TrainingState, batches: Batches, validate: Validate | None = None) -> Iterator[StepDone]:
    """Take the steps that are left, telling of each; between two steps the state is complete and can be saved.

    Raises:
        DivergedError: if the loss stops being a finite number.
    """
    while not state.is_done:
        epoch, first = divmod(state.step, state.steps_per_epoch)
        state.model.train()
        losses = state.seen.of_epoch(epoch * state.steps_per_epoch / state.total_steps)
        for group in _groups(batches.epoch(epoch, first * state.recipe.accumulate, losses), state.recipe.accumulate):
            rate = learning_rate(state.recipe, state.step / state.total_steps)
            taken = _step(state, group, rate)
            ends_here = state.is_done or state.step % state.steps_per_epoch == 0
            done = _end_epoch(state, epoch + 1, rate, validate) if ends_here else None
            loss, accuracy = taken.loss / taken.images, taken.correct / taken.images
            yield StepDone(state.step, epoch + 1, loss, accuracy, taken.images, rate, done)
            if done:
                break


def _step(state: TrainingState, group: list[Batch], rate: float) -> Sums:
    """One step of the optimiser on the mean gradient of the group's batches."""
    for settings in state.optimizer.param_groups:
        settings["lr"] = rate
    state.optimizer.zero_grad()
    taken = Sums()
    for batch in group:
        outputs = as_outputs(state.model(batch.images))
        loss = training_loss(outputs, batch.labels, state.recipe.label_smoothing)
        if not math.isfinite(loss.item()):
            raise diverged(state.model, batch.images, loss.item(), state.step, rate)
        (loss / len(group)).backward()  # type: ignore[no-untyped-call]
        state.seen.note(outputs.logits, batch.labels, batch.indices)
        taken.add(loss.item(), int((outputs.logits.argmax(1) == batch.labels).sum()), len(batch.labels))
    clip_grad_norm_(state.model.parameters(), state.recipe.clip_norm or math.inf, foreach=True)
    state.optimizer.step()
    state.step += 1
    state.average.update(state.step)
    state.sums.add(taken.loss / taken.images, taken.correct, taken.images)
    return taken


def _end_epoch(state: TrainingState, epoch: int, rate: float, validate: Validate | None) -> EpochDone:
    state.seen.end_epoch()
    loss, accuracy, images = validate(state.average.model) if validate else (None, None, 0)
    is_best = state.keep_if_best(epoch, accuracy, images)
    sums, state.sums = state.sums, Sums()
    train_loss, train_accuracy = sums.loss / sums.images, sums.correct / sums.images
    return EpochDone(epoch, state.step, train_loss, train_accuracy, loss, accuracy, rate, is_best)


def _groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    """Consecutive batches that make one step together; the last group of an epoch may be smaller."""
    iterator = iter(batches)
    while group := list(islice(iterator, size)):
        yield group
