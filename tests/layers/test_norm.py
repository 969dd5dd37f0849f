from __future__ import annotations

import pytest
import torch
from torch import nn

from resnets.errors import ConfigError, DataError
from resnets.layers.freezing import Freezable, freeze_norms, unfreeze_norms
from resnets.layers.norm import NORMS, BatchNorm2d, GroupNorm, ReferenceBatchNorm
from resnets.spec import NormKind, NormSpec

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


@pytest.mark.parametrize(
    ("spec", "groups"),
    [(NormSpec(kind="layer"), [[0, 1, 2, 3, 4, 5]]), (NormSpec(kind="instance", eps=1e-3), [[c] for c in range(6)]),
     (NormSpec(kind="group", groups=2), [[0, 1, 2], [3, 4, 5]]), (NormSpec(kind="group"), [[0, 1], [2, 3], [4, 5]])],
)  # fmt: skip
def test_norm_over_an_image_standardises_each_group_of_its_channels(spec: NormSpec, groups: list[list[int]]) -> None:
    norm = GroupNorm(6, spec).double()
    scale, shift = torch.linspace(0.5, 1.5, 6, dtype=torch.float64), torch.linspace(-1, 1, 6, dtype=torch.float64)
    norm.load_state_dict({"weight": scale, "bias": shift})
    x = 3 + 2 * torch.randn(4, 6, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for image, y in zip(x, norm(x), strict=True):
        for group in groups:
            values = image[group]
            variance = values.square().mean() - values.mean().square()
            standardised = (values - values.mean()) / (variance + spec.eps).sqrt()
            expected = scale[group].view(-1, 1, 1) * standardised + shift[group].view(-1, 1, 1)
            torch.testing.assert_close(y[group], expected)


@pytest.mark.parametrize("kind", ["layer", "instance", "group"])
def test_norm_over_an_image_sees_no_other_image_and_no_mode(kind: NormKind) -> None:
    norm = NORMS[kind](6, NormSpec(kind=kind))
    x = torch.randn(3, 6, 2, 2)
    torch.testing.assert_close(norm(x)[1:2], norm.eval()(x[1:2]))


@pytest.mark.parametrize(
    ("channels", "groups", "made"),
    [(64, 32, 32), (256, 32, 32), (32, 32, 16), (16, 32, 8), (48, 32, 24), (160, 32, 32), (33, 32, 11), (4, 1, 1),
     (4, 2, 2), (6, 4, 3)],
)  # fmt: skip
def test_groups_are_as_many_as_asked_for_or_as_fit(channels: int, groups: int, made: int) -> None:
    assert NormSpec(kind="group", groups=groups).num_groups(channels) == made
    assert GroupNorm(channels, NormSpec(kind="group", groups=groups)).num_groups == made


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_channels_that_make_no_groups_are_refused(channels: int) -> None:
    with pytest.raises(ConfigError, match=rf"norm.groups=32 cannot make equal groups of two or more of {channels} "):
        GroupNorm(channels, NormSpec(kind="group"))


def test_sync_norm_is_batch_norm_in_a_single_process() -> None:
    batch, sync = NORMS["batch"](5, NormSpec()).double(), NORMS["sync"](5, NormSpec(kind="sync")).double()
    for step in range(2):
        assert torch.equal(batch(_images(step)), sync(_images(step)))
    assert torch.equal(batch.eval()(_images()), sync.eval()(_images()))
    for name, value in batch.state_dict().items():
        assert torch.equal(value, sync.state_dict()[name])
    freeze_norms(sync, "both")
    assert not sync.train().training


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
        (NormSpec(kind="group", groups=1), "statistics", "1: This norm looks at one image alone"),
        (NormSpec(kind="layer"), "both", "1: .* so only 'affine' can be frozen"),
        (NormSpec(kind="layer", affine=False), "affine", "1: This norm has no scale and shift"),
        (NormSpec(), "mean", "'statistics', 'affine' or 'both' can be frozen; got 'mean'"),
    ],
)
def test_freezing_what_is_not_there_is_refused(spec: NormSpec, what: Freezable, message: str) -> None:
    model = nn.Sequential(BatchNorm2d(5, NormSpec()), NORMS[spec.kind](5, spec))
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


def test_scale_and_shift_of_a_group_norm_can_be_frozen() -> None:
    model = nn.Sequential(nn.Conv2d(6, 6, 1), GroupNorm(6, NormSpec(kind="layer")))
    freeze_norms(model, "affine")
    model.train()(torch.randn(2, 6, 3, 3)).square().sum().backward()
    assert [parameter.grad is None for parameter in model.parameters()] == [False, False, True, True]
    unfreeze_norms(model)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_freezing_without_norms_is_refused() -> None:
    with pytest.raises(ConfigError, match="This Conv2d has no norms that could be frozen"):
        freeze_norms(nn.Conv2d(1, 1, 1), "both")


def test_one_value_a_group_cannot_be_normalised_by_itself() -> None:
    norm = GroupNorm(4, NormSpec(kind="instance"))
    with pytest.raises(DataError, match="more than one value in each group"):
        norm(torch.randn(8, 4, 1, 1))
    assert norm(torch.randn(1, 4, 1, 2)).shape == (1, 4, 1, 2)
