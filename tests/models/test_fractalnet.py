from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from oracles import scramble_norms
from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.fractalnet import FractalNet, Join, Paths
from resnets.spec import FractalNetSpec, replace

SMALL = FractalNetSpec(columns=3, widths=(4, 6), num_classes=5)


def counts(spec: FractalNetSpec, size: int) -> tuple[int, int]:
    """Parameters and MACs by arithmetic alone: of the 2**C - 1 convolutions of a block, C read its input."""
    parameters = macs = 0
    inputs, convolutions = spec.in_channels, 2**spec.columns - 1
    for block, width in enumerate(spec.widths):
        weights = 9 * width * (spec.columns * inputs + (convolutions - spec.columns) * width)
        parameters += weights + convolutions * 2 * width
        macs += weights * (size >> block) ** 2
        inputs = width
    return parameters + (inputs + 1) * spec.num_classes, macs + inputs * spec.num_classes


def layer(p: Mapping[str, Tensor], x: Tensor, name: str) -> Tensor:
    """Convolution, norm and nonlinearity in evaluation mode, from the state."""
    y = functional.conv2d(x, p[f"{name}.conv.weight"], padding=1)
    statistics = p[f"{name}.norm.running_mean"], p[f"{name}.norm.running_var"]
    return functional.relu(functional.batch_norm(y, *statistics, p[f"{name}.norm.weight"], p[f"{name}.norm.bias"]))


def functional_fractalnet(p: Mapping[str, Tensor], x: Tensor, blocks: int) -> Tensor:
    """Three columns, row after row as Figure 1 of the paper draws them."""
    for block in range(1, blocks + 1):

        def column(x: Tensor, number: int, place: int, block: int = block) -> Tensor:
            return layer(p, x, f"stages.S{block}.U1.columns.{number}.{place}")

        middle, deep = column(x, 1, 0), column(column(x, 2, 0), 2, 1)
        row = (middle + deep) / 2
        ends = column(x, 0, 0), column(row, 1, 1), column(column(row, 2, 2), 2, 3)
        x = sum(functional.max_pool2d(end, 2) for end in ends) / 3  # type: ignore[assignment]
    return functional.linear(x.mean((2, 3)), p["head.linear.weight"], p["head.linear.bias"])


@pytest.mark.parametrize(
    ("name", "depth", "papers"),
    [("fractalnet20", 21, None), ("fractalnet20_w16", 21, 2.1e6), ("fractalnet40_w16", 41, 4.8e6)],
)
def test_counts_are_the_closed_formulas_and_the_papers(name: str, depth: int, papers: float | None) -> None:
    spec = spec_of(name)
    assert isinstance(spec, FractalNetSpec)
    cost = complexity(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, 32)
    assert papers is None or round(cost.parameters / 1e5) == papers / 1e5, "the paper prints one digit after the point"
    assert spec.depth == depth


def test_network_equals_the_functional_one() -> None:
    model = build(SMALL, seed=0).eval()
    scramble_norms(model)
    images = torch.randn(2, 3, 9, 12)
    torch.testing.assert_close(model(images), functional_fractalnet(model.state_dict(), images, 2))


@pytest.mark.parametrize("column", [0, 1, 2])
def test_one_column_alone_is_a_plain_network(column: int) -> None:
    model = build(SMALL, seed=0).eval()
    assert isinstance(model, FractalNet)
    scramble_norms(model)
    model.paths.only = column
    x = images = torch.randn(2, 3, 8, 8)
    p = model.state_dict()
    for block in (1, 2):
        for place in range(2**column):
            x = layer(p, x, f"stages.S{block}.U1.columns.{column}.{place}")
        x = functional.max_pool2d(x, 2)
    expected = functional.linear(x.mean((2, 3)), p["head.linear.weight"], p["head.linear.bias"])
    torch.testing.assert_close(model(images), expected)


def test_a_global_batch_gives_gradients_to_one_column_alone() -> None:
    model = build(replace(SMALL, global_drop_path=1.0), seed=0)
    torch.manual_seed(0)
    seen = set()
    for _ in range(12):
        model.zero_grad()
        model(torch.randn(2, 3, 8, 8)).square().sum().backward()
        parameters = [(name, p) for name, p in model.named_parameters() if "columns" in name]
        moved = {name.split(".")[4] for name, p in parameters if p.grad is not None and p.grad.any()}
        assert len(moved) == 1
        seen |= moved
    assert seen == {"0", "1", "2"}


def test_a_join_drops_each_input_as_often_as_it_is_told_and_never_all() -> None:
    paths = Paths(2, local=0.3, whole=0.0)
    torch.manual_seed(0)
    drawn = Counter(tuple(paths.kept(2)) for _ in range(3000))
    # both stay: 0.7 * 0.7; one alone: 0.7 * 0.3, and half of the 0.3 * 0.3 in which both would go
    expected = {(0, 1): 0.49, (0,): 0.255, (1,): 0.255}
    assert set(drawn) == set(expected)
    for kept, share in expected.items():
        assert drawn[kept] / 3000 == pytest.approx(share, abs=0.04)


def test_a_join_is_the_mean_of_what_stays() -> None:
    paths = Paths(3, local=0.0, whole=0.0).eval()
    ones, twos, sixes = (torch.full((1, 1, 1, 1), float(value)) for value in (1, 2, 6))
    assert Join(paths)(ones, twos, sixes) == 3
    paths.column = 1
    assert Join(paths)(ones, twos, sixes) == 2
    assert Join(paths)(twos, sixes) == 2, "the middle column is the first of the two deepest"
    paths.column = 0
    assert Join(paths)(twos, sixes) == 4, "the shallowest does not end here"


def test_training_draws_and_evaluation_does_not() -> None:
    model = build(replace(SMALL, dropout=0.4), seed=0)
    images = torch.randn(4, 3, 8, 8)
    torch.manual_seed(0)
    assert len({float(model(images).detach().sum()) for _ in range(5)}) > 1
    model.eval()
    assert torch.equal(model(images), model(images))


def test_a_copy_draws_for_itself() -> None:
    model = build(replace(SMALL, global_drop_path=1.0), seed=0)
    assert isinstance(model, FractalNet)
    twin = copy.deepcopy(model)
    twin.paths.only = 2
    assert model.paths.only is None
    assert all(join.paths is twin.paths for join in twin.modules() if isinstance(join, Join))


def test_dropout_grows_from_block_to_block_as_in_the_paper() -> None:
    assert FractalNetSpec(dropout=0.4).dropouts == pytest.approx((0, 0.1, 0.2, 0.3, 0.4))
    assert FractalNetSpec(dropout=0.4, widths=(8,)).dropouts == (0.0,)


def test_odd_edges_are_pooled_where_asked_for() -> None:
    model = build(replace(SMALL, round_up=True)).eval()
    sizes = [tuple(stage.shape[2:]) for stage in model.features(torch.randn(1, 3, 5, 7)).values()]
    assert sizes == [(5, 7), (3, 4), (2, 2)]
    assert (model.minimum_size, build(SMALL).minimum_size) == (3, 4)
    assert FractalNetSpec(in_channels=1, round_up=True).usual_input == (1, 28, 28)


def test_the_smallest_image_works_and_a_smaller_one_is_refused() -> None:
    model = build(SMALL).eval()
    assert model(torch.randn(1, 3, 4, 4)).shape == (1, 5)
    with pytest.raises(DataError, match="at least 4x4"):
        model(torch.randn(1, 3, 3, 4))
    assert replace(SMALL, in_channels=1).usual_input == (1, 28, 28)
    assert FractalNetSpec(in_channels=1).usual_input == (1, 32, 32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": 0}, "columns must be from 1 to 8, got 0"),
        ({"widths": ()}, "widths has 0 blocks; from 1 to 8 are possible"),
        ({"widths": (4, 0)}, "widths must be from 1 to 65,536, got 0"),
        ({"drop_path": 1.0}, "drop_path must be at least 0 and below 1, got 1.0"),
        ({"dropout": -0.1}, "dropout must be at least 0 and below 1, got -0.1"),
        ({"global_drop_path": 1.5}, "global_drop_path must be from 0 to 1, got 1.5"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **changes)
