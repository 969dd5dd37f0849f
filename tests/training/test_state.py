from __future__ import annotations

import itertools

import pytest
import torch
from toy import ToyBatches, accuracy, toy_model

from resnets.errors import ModelFileError
from resnets.recipe import Recipe
from resnets.training.fit import train
from resnets.training.state import TrainingState

GRID = list(itertools.product(("sgd", "adamw"), (0.0, 0.9), (1, 2), (1, 5, 6, 11)))


@pytest.mark.parametrize(("optimizer", "ema_decay", "accumulate", "stop"), GRID)
def test_a_resumed_training_equals_the_unbroken_one_bit_for_bit(
    optimizer: str, ema_decay: float, accumulate: int, stop: int
) -> None:
    """Dropout draws from the global generator, so its state must survive too."""
    recipe = Recipe(epochs=4, optimizer=optimizer, ema_decay=ema_decay, accumulate=accumulate)  # type: ignore[arg-type]
    batches = ToyBatches(6)

    torch.manual_seed(3)
    unbroken = TrainingState(toy_model(), recipe, len(batches))
    rows = [step.epoch_done for step in train(unbroken, batches, accuracy) if step.epoch_done]

    torch.manual_seed(3)
    first = TrainingState(toy_model(), recipe, len(batches))
    earlier = [step.epoch_done for step in itertools.islice(train(first, batches, accuracy), stop)]
    files = first.files({"note": "kept"})

    torch.manual_seed(77)
    second = TrainingState(toy_model(seed=9), recipe, len(batches))
    assert second.restore(files) == {"note": "kept"}
    later = [step.epoch_done for step in train(second, batches, accuracy)]

    assert [row for row in earlier + later if row] == rows
    assert second.files({}) == unbroken.files({})


def test_state_of_another_network_is_refused_by_name() -> None:
    files = TrainingState(toy_model(), Recipe(), 6).files({})
    other = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3))
    with pytest.raises(ModelFileError, match="does not fit this network and recipe"):
        TrainingState(other, Recipe(), 6).restore(files)


def test_state_without_a_file_is_refused() -> None:
    state = TrainingState(toy_model(), Recipe(), 6)
    files = state.files({})
    del files["optimizer.safetensors"]
    with pytest.raises(ModelFileError, match="does not fit"):
        state.restore(files)


def test_restored_moments_have_the_layout_of_their_weights() -> None:
    """A fused step walks both in memory order; another layout would mix up the numbers without an error."""
    batches = ToyBatches()
    state = TrainingState(toy_model(), Recipe(epochs=1), len(batches))
    list(train(state, batches))
    fresh = TrainingState(toy_model(), Recipe(epochs=1), len(batches))
    fresh.restore(state.files({}))
    for parameter in fresh.model.parameters():
        assert fresh.optimizer.state[parameter]["momentum_buffer"].stride() == parameter.stride()
