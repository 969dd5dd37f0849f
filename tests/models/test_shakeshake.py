from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from oracles import scramble_norms
from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.overview import repeated_complexity
from resnets.inspection.receptive_field import receptive_field
from resnets.inspection.structure import structure
from resnets.layers.parts import Parts
from resnets.layers.shake import Shake, ShakeShakeBlock, TwoPathProjection
from resnets.layers.unit import Unit
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import NormSpec, ShakeShakeSpec, replace

PUBLISHED = {
    # as another library counts the first (imgclsmob), and the paper's millions, within rounding
    "shake_shake26_2x32d": (2_923_162, 2.9),
    "shake_shake26_2x64d": (None, 11.7),
    "shake_shake26_2x96d": (None, 26.2),
}

SMALL = ShakeShakeSpec(num_blocks=(1, 2, 2), width=6, stem_width=4, num_classes=5)


def counts(spec: ShakeShakeSpec, size: int) -> tuple[int, int]:
    """Parameters and MACs by arithmetic alone."""
    channels = spec.stem_width
    parameters = 9 * spec.in_channels * channels + 2 * channels
    macs = 9 * spec.in_channels * channels * size * size
    for stage, units in enumerate(spec.num_blocks):
        width, size = spec.width * 2**stage, -(-size // 2) if stage else size
        for unit in range(units):
            weights = 2 * (9 * channels * width + 9 * width * width)
            projects = unit == 0 and (stage > 0 or channels != width)
            weights += channels * width if projects else 0
            parameters += weights + 2 * width * (5 if projects else 4)
            macs += weights * size * size
            channels = width
    head = channels * spec.num_classes
    return parameters + head + spec.num_classes, macs + head


def functional_shakeshake(p: Mapping[str, Tensor], x: Tensor, spec: ShakeShakeSpec) -> Tensor:
    """The net in evaluation mode without modules, from its state."""

    def bn(x: Tensor, name: str) -> Tensor:
        statistics = p[f"{name}.running_mean"], p[f"{name}.running_var"]
        return functional.batch_norm(x, *statistics, p[f"{name}.weight"], p[f"{name}.bias"])

    def branch(x: Tensor, name: str, stride: int) -> Tensor:
        x = functional.conv2d(functional.relu(x), p[f"{name}.conv1.weight"], stride=stride, padding=1)
        x = functional.conv2d(functional.relu(bn(x, f"{name}.norm1")), p[f"{name}.conv2.weight"], padding=1)
        return bn(x, f"{name}.norm2")

    def shortcut(x: Tensor, name: str, stride: int) -> Tensor:
        if f"{name}.conv1.weight" not in p:
            return x
        here = functional.relu(x)
        above = torch.zeros_like(here)
        above[:, :, 1:, 1:] = here[:, :, :-1, :-1]
        halves = (functional.conv2d(here, p[f"{name}.conv1.weight"], stride=stride),
                  functional.conv2d(above, p[f"{name}.conv2.weight"], stride=stride))  # fmt: skip
        return bn(torch.cat(halves, dim=1), f"{name}.norm.norm")

    x = bn(functional.conv2d(x, p["stem.conv.weight"], padding=1), "stem.norm")
    for stage, units in enumerate(spec.num_blocks, start=1):
        for number in range(1, units + 1):
            unit, stride = f"stages.S{stage}.U{number}", 2 if stage > 1 and number == 1 else 1
            branches = branch(x, f"{unit}.residual1", stride) + branch(x, f"{unit}.residual2", stride)
            x = shortcut(x, f"{unit}.shortcut", stride) + 0.5 * branches
    return functional.linear(functional.relu(x).mean((2, 3)), p["head.linear.weight"], p["head.linear.bias"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones_and_the_closed_formulas(name: str) -> None:
    spec = spec_of(name)
    assert isinstance(spec, ShakeShakeSpec)
    cost = complexity(spec, spec.usual_input)
    assert cost == repeated_complexity(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, spec.usual_input[1])
    exactly, millions = PUBLISHED[name]
    assert exactly in (None, cost.parameters)
    assert round(cost.parameters / 1e6, 1) == millions
    assert spec.depth == 26


@pytest.mark.parametrize("changes", [{}, {"width": 4}, {"width": 7}], ids=str)
def test_network_equals_the_functional_one_in_evaluation(changes: dict[str, Any]) -> None:
    spec = replace(SMALL, **changes)
    model = build(spec, seed=0).eval()
    scramble_norms(model)
    images = torch.randn(2, 3, 17, 14, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(images), functional_shakeshake(model.state_dict(), images, spec))


def test_outputs_are_mixed_by_one_draw_and_gradients_by_the_next() -> None:
    x1, x2 = (torch.randn(4, 2, 3, 3, requires_grad=True) for _ in range(2))
    dy = torch.randn(4, 2, 3, 3)
    torch.manual_seed(7)
    a, b = (torch.rand(4, 1, 1, 1) for _ in range(2))
    torch.manual_seed(7)
    y = Shake.apply(x1, x2)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(y, a * x1 + (1 - a) * x2)
    y.backward(dy)
    torch.testing.assert_close(x1.grad, b * dy)
    torch.testing.assert_close(x2.grad, (1 - b) * dy)
    assert (a - b).abs().min() > 0.01, "so that gradients by a would show"


def test_every_image_has_draws_of_its_own_from_0_to_1() -> None:
    one, zero = torch.ones(1000, 3, 2, 2, requires_grad=True), torch.zeros(1000, 3, 2, 2)
    torch.manual_seed(0)
    y = Shake.apply(one, zero)  # type: ignore[no-untyped-call]
    y.sum().backward()
    assert one.grad is not None
    for shares in (y.detach(), one.grad):
        assert (shares == shares[:, :1, :1, :1]).all(), "one number for all values of an image"
        assert len(shares[:, 0, 0, 0].unique()) > 990
        assert 0 <= shares.min() < 0.01 and 0.99 < shares.max() <= 1
        assert abs(shares.mean() - 0.5) < 0.03


def test_a_block_is_its_equation_in_both_modes() -> None:
    block = ShakeShakeBlock(nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1))
    x = torch.randn(3, 2, 4, 4)
    first, second, shortcut = block.residual1(x), block.residual2(x), block.shortcut(x)
    torch.manual_seed(0)
    a = torch.rand(3, 1, 1, 1)
    torch.manual_seed(0)
    torch.testing.assert_close(block(x), a * first + (1 - a) * second + shortcut)
    torch.testing.assert_close(block.eval()(x), (first + second) / 2 + shortcut)


def test_training_repeats_itself_from_one_state_of_the_generator() -> None:
    images = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(0))

    def gradients(seed: int) -> list[Tensor]:
        model = build(SMALL, seed=0)
        torch.manual_seed(seed)
        model(images).square().sum().backward()
        return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]

    once, again, otherwise = gradients(1), gradients(1), gradients(2)
    assert all(torch.equal(one, other) for one, other in zip(once, again, strict=True))
    assert not any(torch.equal(one, other) for one, other in zip(once, otherwise, strict=True))


def test_two_paths_read_two_pixels_of_four() -> None:
    projection = TwoPathProjection(
        Unit(in_channels=1, width=2, out_channels=2, stride=2), Parts(norm=NormSpec(kind="none"))
    )
    for parameter in projection.parameters():
        nn.init.ones_(parameter)
    y = projection(torch.tensor([[1.0, -2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]).view(1, 1, 4, 4))
    assert y[0, 0].tolist() == [[1, 3], [9, 11]]
    assert y[0, 1].tolist() == [[0, 0], [0, 6]], "of the image shifted to the right and down"


def test_table_says_what_the_shortcuts_are() -> None:
    rows = structure(replace(SMALL, stem_width=6), (3, 12, 12))
    assert [(row.label, row.kind, row.shortcut, row.stride) for row in rows[1:-2]] == [
        ("S1U1", "shake-shake", "identity", 1),
        ("S2U1", "shake-shake", "two paths", 2), ("S2U2", "shake-shake", "identity", 1),
        ("S3U1", "shake-shake", "two paths", 2), ("S3U2", "shake-shake", "identity", 1),
    ]  # fmt: skip


def test_receptive_field_is_that_of_the_branches() -> None:
    assert receptive_field(spec_of("shake_shake26_2x32d")) == 3 + 8 * 2 + 2 + 7 * 4 + 4 + 7 * 8


@pytest.mark.parametrize("num_blocks", [(1,), (1, 1), (1, 1, 1)])
def test_the_smallest_image_trains_every_weight_and_a_smaller_one_is_refused(num_blocks: tuple[int, ...]) -> None:
    model = build(replace(SMALL, num_blocks=num_blocks), seed=0)
    least = model.minimum_size
    model(torch.randn(8, 3, least, least, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
    with pytest.raises(DataError, match=f"at least {least}x{least}"):
        model(torch.randn(1, 3, least - 1, least))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 1}, "width must be from 2 to 65,536, got 1"),
        ({"stem_width": 0}, "stem_width must be from 1 to 65,536, got 0"),
        ({"num_blocks": ()}, "num_blocks is empty"),
        ({"width": 30_000}, "width=30000 with 3 stages ends at 120000 channels; at most 65536 are possible"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **changes)
