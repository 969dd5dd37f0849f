"""Other families' weights, under the names that libraries give them and back."""

from __future__ import annotations

import pytest
import torch
from small_twins import small

from resnets.errors import ModelFileError
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.weights.load import load_weights
from resnets.models.weights.write import foreign_state, layout_called
from resnets.spec import replace


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("densenet_bc100_12", "torchvision (2017)"),
        ("convnext_tiny", "timm"),
        ("vgg11_bn", "timm"),
        ("dpn68", "timm"),
        ("eca_resnet50d", "timm"),
        ("alexnet", "torchvision"),
    ],
)
def test_what_is_written_is_read_again(name: str, layout: str) -> None:
    """tools/parity.py compares with the libraries; here no weight is lost or takes another's place."""
    spec = small(spec_of(name))
    donor, model = build(spec, seed=0), build(spec, seed=1)
    if name == "dpn68":
        model, donor = (build(replace(spec, final_activation="relu"), seed=seed) for seed in (1, 0))
    state = foreign_state(donor, layout_called(layout, spec))
    report = load_weights(model, state)
    assert report.layout == layout
    assert not (report.missing or report.unknown or report.other_shape)
    assert all(torch.equal(tensor, donor.state_dict()[key]) for key, tensor in model.state_dict().items())


def test_timms_dual_path_networks_end_in_relu() -> None:
    donor = build(replace(small(spec_of("dpn68")), final_activation="relu"), seed=0)
    with pytest.raises(ModelFileError, match="final_activation='relu'; this one has not"):
        load_weights(build(small(spec_of("dpn68"))), foreign_state(donor, layout_called("timm", donor.spec)))
