from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.errors import ConfigError, DataError
from resnets.layers.norm import BatchNorm2d, Freezable, ReferenceBatchNorm, freeze_norms, unfreeze_norms
from resnets.spec import NormSpec

SPECS = [
    NormSpec(),
    NormSpec(momentum=0.6, eps=1e-3),
    NormSpec(affine=False),
    NormSpec(running_statistics=False),
    NormSpec(affine=False, running_statistics=False, momentum=1.0),
]


def _images(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 + 2 * torch.randn(4, 5, 6, 7, generator=generator, dtype=torch.float64)


def _pair(spec: NormSpec) -> tuple[BatchNorm2d, ReferenceBatchNorm]:
    fast, reference = BatchNorm2d(5, spec).double(), ReferenceBatchNorm(5, spec).double()
    with torch.no_grad():
        for number, parameter in enumerate(fast.parameters()):
            parameter.copy_(torch.linspace(0.5, 1.5, 5) - number)
    reference.load_state_dict(fast.state_dict())
    return fast, reference


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("training", [True, False])
def test_fast_norm_equals_the_four_steps(spec: NormSpec, *, training: bool) -> None:
    fast, reference = _pair(spec)
    for step in range(3):
        x, weights = _images(step), torch.linspace(-1, 1, 7, dtype=torch.float64)
        inputs = [x.clone().requires_grad_() for _ in range(2)]
        outputs = [norm.train(training)(y) for norm, y in zip((fast, reference), inputs, strict=True)]
        for output in outputs:
            (output * weights).square().sum().backward()
        torch.testing.assert_close(*outputs)
        torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    for ours, theirs in zip(fast.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    assert fast.state_dict().keys() == reference.state_dict().keys()
    for name, value in fast.state_dict().items():
        torch.testing.assert_close(value, reference.state_dict()[name], msg=name)


def test_standardised_output_has_mean_zero_and_variance_one() -> None:
    y = BatchNorm2d(5, NormSpec(eps=1e-12)).double()(_images())
    torch.testing.assert_close(y.mean(dim=(0, 2, 3)), torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(y.var(dim=(0, 2, 3), correction=0), torch.ones(5, dtype=torch.float64))


@pytest.mark.parametrize("what", ["statistics", "affine", "both"])
def test_freezing_survives_train(what: Freezable) -> None:
    model = nn.Sequential(nn.Conv2d(5, 5, 1), BatchNorm2d(5, NormSpec())).double()
    freeze_norms(model, what)
    before = {name: value.clone() for name, value in model[1].state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        model.train()
        optimizer.zero_grad()
        model(_images()).square().mean().backward()
        optimizer.step()
    after = model[1].state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    statistics, affine = {"running_mean", "running_var", "num_batches_tracked"}, {"weight", "bias"}
    assert moved == {"statistics": affine, "affine": statistics, "both": set()}[what]


def test_frozen_statistics_are_used_in_training() -> None:
    norm = BatchNorm2d(5, NormSpec()).double()
    norm.freeze("statistics")
    torch.testing.assert_close(norm.train()(_images()), _images() / (1 + 1e-5) ** 0.5)


def test_freezing_drops_a_gradient_that_was_left_over() -> None:
    norm = BatchNorm2d(5, NormSpec()).double()
    norm(_images()).sum().backward()
    norm.freeze("affine")
    assert norm.weight.grad is None and norm.bias.grad is None


def test_unfreezing_lets_all_move_again() -> None:
    model = nn.Sequential(nn.Conv2d(5, 5, 1), BatchNorm2d(5, NormSpec()))
    freeze_norms(model, "both")
    unfreeze_norms(model)
    assert model[1].training
    assert all(parameter.requires_grad for parameter in model.parameters())
    freeze_norms(model.eval(), "statistics")
    unfreeze_norms(model)
    assert not model[1].training, "a model in evaluation stays there"


@pytest.mark.parametrize(
    ("spec", "what", "message"),
    [
        (NormSpec(running_statistics=False), "statistics", "1: This norm keeps no running statistics"),
        (NormSpec(running_statistics=False), "both", "1: This norm keeps no running statistics"),
        (NormSpec(affine=False), "affine", "1: This norm has no scale and shift"),
        (NormSpec(), "mean", "'statistics', 'affine' or 'both' can be frozen; got 'mean'"),
    ],
)
def test_freezing_what_is_not_there_is_refused(spec: NormSpec, what: Freezable, message: str) -> None:
    model = nn.Sequential(BatchNorm2d(5, NormSpec()), BatchNorm2d(5, spec))
    with pytest.raises(ConfigError, match=message):
        freeze_norms(model, what)
    assert model[0].training and model[0].weight.requires_grad, "all or none"


@pytest.mark.parametrize(("spec", "training"), [(NormSpec(), True), (NormSpec(running_statistics=False), False)])
def test_one_value_a_channel_cannot_be_normalised_by_itself(spec: NormSpec, *, training: bool) -> None:
    norm = BatchNorm2d(3, spec).train(training)
    with pytest.raises(DataError, match="more than one value in each channel"):
        norm(torch.randn(1, 3, 1, 1))


def test_one_value_a_channel_is_fine_with_running_statistics() -> None:
    norm = BatchNorm2d(3, NormSpec())
    norm.freeze("statistics")
    assert norm.train()(torch.randn(1, 3, 1, 1)).shape == (1, 3, 1, 1)
