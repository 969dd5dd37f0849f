from __future__ import annotations

import pytest
import torch

from resnets import values
from resnets.errors import ConfigError
from resnets.inference.averaging import views_of
from resnets.views import Views


@pytest.mark.parametrize(
    ("views", "count"),
    [
        (Views(), 1),
        (Views(scale=0.1), 3),
        (Views(rotate=5), 3),
        (Views(flip=True), 2),
        (Views(scale=0.1, rotate=5), 5),
        (Views(scale=0.1, rotate=5, flip=True), 10),
    ],
)
def test_the_count_is_that_of_the_views_which_are_made(views: Views, count: int) -> None:
    assert views.count == count == len(list(views_of(torch.zeros(2, 1, 8, 8), views)))


def test_written_and_read_they_are_the_same() -> None:
    views = Views(scale=0.08, rotate=3.5, flip=True)
    assert values.from_dict(Views, values.to_dict(views)) == views


@pytest.mark.parametrize("setting", [{"scale": 1}, {"scale": -0.1}, {"rotate": 181}, {"flip": 2}, {"shift": 1}])
def test_what_is_impossible_is_refused_by_name(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        values.from_dict(Views, setting)
