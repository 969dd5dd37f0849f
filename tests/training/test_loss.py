from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from toy import ToyBatches, accuracy

from resnets.errors import DivergedError
from resnets.models.build import build
from resnets.models.network import Network
from resnets.outputs import Outputs, as_outputs
from resnets.recipe import Recipe
from resnets.spec import InceptionSpec
from resnets.training.fastest import fastest
from resnets.training.fit import fit, train
from resnets.training.loss import training_loss
from resnets.training.machine import Machine
from resnets.training.state import TrainingState

GOOGLENET = InceptionSpec(
    stem="small", width=1 / 16, auxiliary=True, in_channels=1, num_classes=4, initialization="he_normal_fan_in"
)


def googlenet() -> Network:
    return build(GOOGLENET, seed=0)


def test_auxiliary_losses_count_three_tenths() -> None:
    labels, heads = torch.tensor([0, 2]), [torch.randn(2, 3) for _ in range(3)]
    parts = [functional.cross_entropy(logits, labels, label_smoothing=0.1) for logits in heads]
    loss = training_loss(Outputs(heads[0], (heads[1], heads[2])), labels, 0.1)
    torch.testing.assert_close(loss, parts[0] + 0.3 * (parts[1] + parts[2]))


def test_without_auxiliary_heads_it_is_the_cross_entropy() -> None:
    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    assert torch.equal(training_loss(as_outputs(logits), labels), functional.cross_entropy(logits, labels))
    assert as_outputs(Outputs(logits)) == Outputs(logits)


def test_a_small_googlenet_learns_through_fit_with_an_average() -> None:
    recipe = Recipe(epochs=8, learning_rate=0.1, batch_size=16, weight_decay=0, ema_decay=0.8, clip_norm=1)
    before = accuracy(googlenet())
    model, history = fit(googlenet(), ToyBatches(), recipe, accuracy)
    assert accuracy(model)[0] < before[0]
    assert accuracy(model)[1] > 0.9
    assert history[-1].train_loss < history[0].train_loss
    assert isinstance(model(torch.zeros(1, 1, 8, 8)), torch.Tensor)


def test_every_head_is_trained() -> None:
    model = googlenet()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    next(iter(train(TrainingState(model, Recipe(epochs=1, warmup=0, learning_rate=0.1), 6), ToyBatches())))
    moved = {name.split(".")[0] for name, parameter in model.named_parameters() if not parameter.equal(before[name])}
    assert moved == {"stem", "stages", "auxiliary", "head"}


def test_divergence_in_an_auxiliary_head_is_named() -> None:
    model = googlenet()
    with torch.no_grad():
        model.auxiliary["S2U2"].get_parameter("linear.bias").fill_(float("nan"))
    with pytest.raises(DivergedError, match=r"first layer with a bad output is auxiliary\.S2U2\.linear"):
        fit(model, ToyBatches(), Recipe(epochs=1))


def test_the_layouts_can_be_timed() -> None:
    batch = next(iter(ToyBatches().epoch(0)))
    assert fastest(Machine(), googlenet().train(), batch.images, batch.labels).device == "cpu"
