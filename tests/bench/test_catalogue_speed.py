"""The benchmark of a training step of every network."""

from __future__ import annotations

import pytest

from resnets.bench.catalogue_speed import catalogue_speed, images_of
from resnets.models.catalogue import CATALOGUE


@pytest.mark.parametrize("name", CATALOGUE)
def test_images_are_such_that_the_network_takes(name: str) -> None:
    count, channels, height, width = images_of(CATALOGUE[name])
    assert not CATALOGUE[name].input_problem(channels, height, width)
    assert count > 1  # norms need two values


@pytest.mark.usefixtures("native_kernels")
def test_networks_come_with_the_least_ratio_first_and_each_is_told() -> None:
    told: list[str] = []
    table = catalogue_speed(told.append, ("resnet8", "lenet5", "perceptron"))
    ratios = [float(row[2]) for row in table.rows]
    assert ratios == sorted(ratios)
    assert sorted(line.split()[0] for line in told) == ["lenet5", "perceptron", "resnet8"]
    assert sorted(told) == sorted(f"{row[0]} {row[2]}" for row in table.rows)
    assert "of 3 networks" in table.notes[0]
