from __future__ import annotations

from itertools import chain

import pytest
import torch
from torch import nn

from resnets.models.build import build, outline
from resnets.models.catalogue import CATALOGUE
from resnets.models.without_storage import WithoutStorage
from resnets.spec import Spec
from small_twins import TWINS, small

ONE_OF_EACH = {type(spec): spec for spec in CATALOGUE.values()}


@pytest.mark.parametrize("family", TWINS, ids=lambda family: str(family.__name__))
def test_an_outline_has_the_shapes_and_types_of_the_network_and_no_storage(family: type[Spec]) -> None:
    spec = small(ONE_OF_EACH[family])
    model, laid_out = build(spec), outline(spec)
    wanted = {name: (values.shape, values.dtype) for name, values in model.state_dict().items()}
    assert {name: (values.shape, values.dtype) for name, values in laid_out.state_dict().items()} == wanted
    assert all(values.is_meta for values in chain(laid_out.parameters(), laid_out.buffers()))
    assert [type(module) for module in laid_out.modules()] == [type(module) for module in model.modules()]


def test_layers_outside_are_made_and_filled_as_always() -> None:
    with WithoutStorage():
        assert nn.Linear(2, 3).weight.is_meta
        assert nn.Linear(2, 3, device="cpu").weight.device.type == "cpu"
    assert nn.BatchNorm2d(2).weight.eq(1).all()


def test_no_random_number_is_used_up() -> None:
    before = torch.default_generator.get_state()
    outline(small(CATALOGUE["resnet18"]))
    assert torch.equal(torch.default_generator.get_state(), before)
