from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from toy import ToyBatches, accuracy, toy_model

from resnets.errors import DivergedError
from resnets.recipe import Recipe
from resnets.training.fit import fit, train
from resnets.training.state import TrainingState

RECIPE = Recipe(epochs=4, learning_rate=0.1, batch_size=16, weight_decay=0)


def test_a_toy_problem_is_learned() -> None:
    model, history = fit(toy_model(), ToyBatches(), RECIPE, accuracy)
    assert accuracy(model)[1] == 1.0
    assert [epoch.epoch for epoch in history] == [1, 2, 3, 4]
    assert history[-1].train_loss < history[0].train_loss
    assert history[-1].validation_accuracy == 1.0


def test_fit_returns_the_average_when_the_recipe_has_one() -> None:
    model = toy_model()
    kept, _ = fit(model, ToyBatches(), Recipe(epochs=1, ema_decay=0.9))
    assert kept is not model
    assert not kept.training
    assert fit(model, ToyBatches(), Recipe(epochs=1))[0] is model


def test_a_fraction_of_an_epoch_takes_that_many_steps_and_still_ends_with_a_row() -> None:
    state = TrainingState(toy_model(), Recipe(epochs=1.5), 6)
    steps = list(train(state, ToyBatches()))
    assert [step.step for step in steps] == list(range(1, 10))
    assert [step.epoch_done is not None for step in steps] == [step.step in (6, 9) for step in steps]
    assert steps[-1].epoch_done is not None
    assert steps[-1].epoch_done.epoch == 2


def test_accumulated_batches_make_the_step_of_one_large_batch() -> None:
    """Without batch normalisation and dropout, whose statistics know the batch, the mean gradient is the same."""

    class Merged(ToyBatches):
        def epoch(self, epoch: int, start_step: int = 0, losses: torch.Tensor | None = None):  # type: ignore[no-untyped-def]  # noqa: ARG002
            parts = list(ToyBatches(6).epoch(epoch))
            for first in range(2 * start_step, 6, 2):
                pair = parts[first : first + 2]
                yield type(pair[0])(*(torch.cat(parts) for parts in zip(*pair, strict=True)))

    def linear() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 4))

    accumulated, _ = fit(linear(), ToyBatches(6), Recipe(epochs=2, accumulate=2))
    merged, _ = fit(linear(), Merged(3), Recipe(epochs=2))
    torch.testing.assert_close(accumulated.state_dict(), merged.state_dict())


def test_an_odd_last_group_is_averaged_over_what_it_has() -> None:
    state = TrainingState(toy_model(), Recipe(epochs=1, accumulate=4), 6)
    assert [step.images for step in train(state, ToyBatches(6))] == [64, 32]


def test_clipping_bounds_the_step_and_zero_means_no_bound() -> None:
    def first_step(clip_norm: float) -> float:
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
        before = [parameter.detach().clone() for parameter in model.parameters()]
        recipe = Recipe(epochs=1, momentum=0, weight_decay=0, warmup=0, learning_rate=1.0, clip_norm=clip_norm)
        next(iter(train(TrainingState(model, recipe, 6), ToyBatches())))
        moved = [(new.detach() - old).flatten() for new, old in zip(model.parameters(), before, strict=True)]
        return float(torch.cat(moved).norm().item())

    assert first_step(0.01) == pytest.approx(0.01, rel=1e-3)
    assert first_step(0) > 0.1


def test_label_smoothing_bounds_the_loss_from_below() -> None:
    """The least cross-entropy against (1 - s) on the class and s / K on all is the entropy of that distribution."""
    smoothing, classes = 0.2, 4
    _, history = fit(toy_model(dropout=0), ToyBatches(), Recipe(epochs=8, label_smoothing=smoothing))
    other = smoothing / classes
    true = 1 - smoothing + other
    least = -true * math.log(true) - (classes - 1) * other * math.log(other)
    assert history[-1].train_loss >= least
    assert history[-1].train_loss < least + 0.1


def test_a_loss_that_is_not_finite_names_step_rate_and_layer() -> None:
    with pytest.raises(
        DivergedError, match=r"loss became (nan|inf) at step \d+ with learning rate .*first layer with a bad"
    ):
        fit(toy_model(), ToyBatches(), Recipe(epochs=50, learning_rate=1000, warmup=0))


@pytest.mark.parametrize(
    ("images", "accuracies", "kept"),
    [
        (900, (0.8, 0.9, 0.88, 0.895), [True, True, False, True]),  # 0.01 is one standard error of 0.9 of 900
        (900, (0.9, 0.892, 0.884, 0.876), [True, True, False, False]),  # counted from the peak, not from the last kept
        (100, (0.9, 0.88, 0.88, 0.9), [True, True, True, True]),
        (1, (1.0, 0.9, 0.8, 1.0), [True, False, False, True]),
    ],
)
def test_of_the_epochs_within_a_standard_error_of_the_best_the_latest_is_kept(
    images: int, accuracies: tuple[float, ...], kept: list[bool]
) -> None:
    scores = iter([(0.5, accuracy, images) for accuracy in accuracies])
    state = TrainingState(toy_model(), RECIPE, 6)
    best = [step.epoch_done.is_best for step in train(state, ToyBatches(), lambda _: next(scores)) if step.epoch_done]
    assert best == kept
    assert state.best.epoch == 1 + max(place for place, is_kept in enumerate(kept) if is_kept)
    assert (state.best.accuracy, state.best.peak) == (accuracies[state.best.epoch - 1], max(accuracies))


def test_equal_seeds_give_equal_weights() -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        results.append(fit(toy_model(), ToyBatches(), RECIPE)[0].state_dict())
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])
