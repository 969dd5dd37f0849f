"""Our networks answer as the other libraries' do: with seeded weights under their names, and the logits they gave.

tools/parity.py wrote the logits, in an environment where those libraries are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from resnets import values
from resnets.models.catalogue import spec_of
from resnets.models.pretrained import create
from resnets.models.weights.load import load_weights
from resnets.models.weights.recognise import is_counter, shapes_of
from resnets.models.weights.rules import Target
from resnets.models.weights.write import foreign_state, layout_called
from resnets.spec import Spec, replace
from seeded import fingerprint, seeded_images, seeded_state

FIXTURES = Path(__file__).parents[2] / "golden" / "parity"
LIMIT = 1e-5
HEAVY = 12_000_000
"""Weights beyond which a network is compared in the slow half, if no smaller one has the same rules."""
LARGEST = 100_000_000
"""Weights beyond which only names and shapes are compared."""
WITHOUT_RULES = {
    "num_blocks", "num_convs", "width", "widths", "width_per_group", "groups", "growth", "stem_width", "stem_kernel",
    "residual_width", "increments", "stochastic_depth",
}  # fmt: skip
"""Settings on which no rule depends."""

Case = tuple[str, dict[str, Any]]


def fixtures() -> list[Case]:
    """Layout and network, small ones first."""
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIXTURES.glob("*.json"))]
    cases = [(content["layout"], network) for content in contents for network in content["networks"]]
    return sorted(cases, key=lambda case: case[1]["parameters"])


def kind(layout: str, network: dict[str, Any]) -> str:
    """What rules depend on."""
    settings = values.to_dict(replace(spec_of(network["ours"]), **network["changes"]))
    return f"{layout} {[(name, item) for name, item in settings.items() if name not in WITHOUT_RULES]}"


def split() -> tuple[list[Case], list[Case]]:
    """Networks whose answers are compared, and those of which only the names are."""
    answers: list[Case] = []
    names: list[Case] = []
    seen: set[str] = set()
    for layout, network in fixtures():
        keys = {network["weights"], kind(layout, network)}
        is_needed = network["parameters"] <= HEAVY or not (seen & keys or network["parameters"] > LARGEST)
        (answers if is_needed else names).append((layout, network))
        seen |= keys if is_needed else set()
    return answers, names


def parameters(cases: list[Case]) -> Iterator[Any]:
    for layout, network in cases:
        marks = [pytest.mark.slow] if network["parameters"] > HEAVY else []
        yield pytest.param(layout, network, id=f"{layout}-{network['theirs']}", marks=marks)


def their_shapes(spec: Spec, layout: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes as the other library has them, from ours."""
    with torch.device("meta"):
        shapes = {name: torch.empty(shape) for name, shape in shapes_of(spec).items()}
    targets: dict[str, Target] = layout_called(layout, spec).targets(spec, shapes)
    return {target.name: tuple(target.theirs(shapes[name]).shape) for name, target in targets.items()}


@pytest.mark.parametrize(("layout", "network"), [*parameters(split()[0])])
def test_logits_are_those_of_the_other_library(layout: str, network: dict[str, Any]) -> None:
    with torch.device("meta"):  # its own first weights are not needed
        model = create(network["ours"], **network["changes"])
    model = model.double().to_empty(device="cpu").eval()
    shapes = their_shapes(model.spec, layout)
    assert fingerprint(shapes) == network["weights"], "names and shapes are not those of the other library"
    state = seeded_state(shapes)
    report = load_weights(model, state)
    assert (report.missing, report.unknown, report.other_shape, report.replaced) == ((), (), (), ())
    with torch.no_grad():
        logits = model(seeded_images(tuple(network["images"])))
    wanted = torch.tensor(network["logits"], dtype=torch.float64)
    difference = (logits[:, : wanted.shape[1]] - wanted).abs().max()
    assert difference < LIMIT * network["largest"]
    written = foreign_state(model, layout_called(layout, model.spec))
    assert all(torch.equal(written[name], tensor) for name, tensor in state.items() if not is_counter(name))


@pytest.mark.parametrize(("layout", "network"), [*parameters(split()[1])])
def test_names_and_shapes_are_those_of_the_other_library(layout: str, network: dict[str, Any]) -> None:
    spec = replace(spec_of(network["ours"]), **network["changes"])
    assert fingerprint(their_shapes(spec, layout)) == network["weights"]


def test_at_least_forty_networks_are_compared() -> None:
    assert len(split()[0]) >= 40
    assert len(fixtures()) >= 100


def test_fixtures_stay_small() -> None:
    assert sum(path.stat().st_size for path in FIXTURES.iterdir()) < 1_000_000
