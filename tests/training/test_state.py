from __future__ import annotations

import itertools
import random

import pytest
import torch
from toy import ToyBatches, accuracy, toy_model

from native_oracle import threads as thread_count
from native_oracle import watch_kernels
from resnets.data.batches import Batches
from resnets.data.imageset import ImageSet
from resnets.data.preprocessing import Preprocessing
from resnets.errors import ModelFileError
from resnets.models.build import build
from resnets.native.accelerate import is_accelerated
from resnets.recipe import Recipe
from resnets.spec import ResNetSpec
from resnets.training.fit import train
from resnets.training.machine import Machine
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


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("stop", [1, 3, 6, 8, 15])
def test_a_training_that_leaves_images_out_resumes_bit_for_bit(accumulate: int, stop: int) -> None:
    recipe = Recipe(epochs=8, accumulate=accumulate, prune=0.5)
    batches = Batches(_toy_images(), batch_size=8, prune=0.5, training=True)

    def start(seed: int) -> TrainingState:
        torch.manual_seed(seed)
        return TrainingState(toy_model(seed), recipe, len(batches))

    unbroken = start(0)
    assert unbroken.total_steps == 8 * 6 // accumulate
    losses = [step.loss for step in train(unbroken, batches)]

    first = start(0)
    earlier = [step.loss for step in itertools.islice(train(first, batches), stop)]
    files = first.files({})
    second = start(9)
    second.restore(files)
    assert earlier + [step.loss for step in train(second, batches)] == losses
    assert second.files({}) == unbroken.files({})

    forgetful = start(9)
    forgetful.restore(files | {"losses.safetensors": start(9).files({})["losses.safetensors"]})
    assert earlier + [step.loss for step in train(forgetful, batches)] != losses, "the losses make a difference"


def _toy_images() -> ImageSet:
    parts = list(ToyBatches(6).epoch(0))
    pixels = (64 + 64 * torch.cat([part.images for part in parts])).clamp(0, 255).to(torch.uint8)
    preprocessing = Preprocessing(size=8, channels=1, mean=(0.3,), std=(0.2,))
    return ImageSet("toy", pixels, torch.cat([part.labels for part in parts]), tuple("abcd"), preprocessing)


RANDOM_NETS = {
    "dropout and stochastic depth": ResNetSpec(
        num_blocks=(2, 1), width=4, stem="small", in_channels=1, num_classes=4, dropout=0.3, survival=0.5
    ),
}


@pytest.mark.parametrize("name", RANDOM_NETS)
@pytest.mark.parametrize("stop", random.Random(5).sample(range(1, 18), 3))
def test_a_network_that_draws_resumes_bit_for_bit(name: str, stop: int) -> None:
    recipe, batches = Recipe(epochs=3, ema_decay=0.9), ToyBatches(6)
    torch.manual_seed(3)
    unbroken = TrainingState(build(RANDOM_NETS[name], seed=0), recipe, len(batches))
    losses = [step.loss for step in train(unbroken, batches, accuracy)]

    torch.manual_seed(3)
    first = TrainingState(build(RANDOM_NETS[name], seed=0), recipe, len(batches))
    earlier = [step.loss for step in itertools.islice(train(first, batches, accuracy), stop)]
    files = first.files({})

    torch.manual_seed(77)
    second = TrainingState(build(RANDOM_NETS[name], seed=9), recipe, len(batches))
    second.restore(files)
    later = [step.loss for step in train(second, batches, accuracy)]
    assert earlier + later == losses
    assert second.files({}) == unbroken.files({})

    torch.manual_seed(77)
    other = TrainingState(build(RANDOM_NETS[name], seed=0), recipe, len(batches))
    assert [step.loss for step in train(other, batches, accuracy)] != losses, "its draws make a difference"


@pytest.mark.usefixtures("native_kernels")
@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(
    ("ema_decay", "accumulate", "threads", "stop"), [(0.0, 1, 1, 5), (0.9, 2, 1, 3), (0.9, 1, 2, 3)]
)
def test_a_training_resumes_bit_for_bit_with_native_kernels_and_without(
    monkeypatch: pytest.MonkeyPatch, *, native: bool, ema_decay: float, accumulate: int, threads: int, stop: int
) -> None:
    calls = watch_kernels(monkeypatch)
    spec = ResNetSpec(num_blocks=(1, 1), width=16, stem="small", in_channels=1, num_classes=4, dropout=0.3)
    recipe, batches = Recipe(epochs=2, ema_decay=ema_decay, accumulate=accumulate), ToyBatches(4)
    machine = Machine(native=native)

    def start(seed: int) -> TrainingState:
        return TrainingState(machine.place(build(spec, seed=seed)), recipe, len(batches))

    with thread_count(threads):
        torch.manual_seed(3)
        unbroken = start(0)
        losses = [step.loss for step in train(unbroken, batches, accuracy)]
        torch.manual_seed(3)
        first = start(0)
        earlier = [step.loss for step in itertools.islice(train(first, batches, accuracy), stop)]
        files = first.files({})
        second = start(9)
        second.restore(files)
        later = [step.loss for step in train(second, batches, accuracy)]
    assert is_accelerated(second.model) == is_accelerated(second.average.model) == native
    assert ({"convolve", "input_gradient", "weight_gradient"} <= set(calls)) == native
    assert earlier + later == losses
    assert second.files({}) == unbroken.files({})


def test_generators_of_gpus_are_saved_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [torch.tensor([number, 7], dtype=torch.uint8) for number in range(2)]
    restored: dict[int, list[int]] = {}
    state = TrainingState(toy_model(), Recipe(), 6)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: states)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, number: restored.update({number: state.tolist()}))
    state.restore(state.files({}))
    assert restored == {0: [0, 7], 1: [1, 7]}


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
