"""Other families' weights, under the names that libraries give them and back."""

from __future__ import annotations

import pytest
import torch

from resnets.errors import ModelFileError
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.weights.load import load_weights
from resnets.models.weights.write import foreign_state, layout_called
from resnets.spec import replace
from small_twins import small


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("densenet_bc100_12", "torchvision (2017)"),
        ("convnext_tiny", "timm"),
        ("vgg11_bn", "timm"),
        ("dpn68", "timm"),
        ("inception_v4", "timm"),
        ("inception_resnet_v2", "timm"),
        ("skresnext50_32x4d", "timm"),
        ("densenet_bc100_12", "kuangliu/pytorch-cifar"),
        ("cifar_vgg16_bn", "kuangliu/pytorch-cifar"),
        ("eca_resnet50d", "timm"),
        ("alexnet", "torchvision"),
    ],
)
def test_what_is_written_is_read_again(name: str, layout: str) -> None:
    """tools/parity.py compares with the libraries; here no weight is lost or takes another's place."""
    spec = small(spec_of(name))
    donor, model = build(spec, seed=0), build(spec, seed=1)
    state = foreign_state(donor, layout_called(layout, spec))
    report = load_weights(model, state)
    assert report.layout == layout
    assert not (report.missing or report.unknown or report.other_shape)
    wanted = donor.state_dict()
    assert all(torch.equal(tensor, wanted[key]) for key, tensor in model.state_dict().items())


def test_timms_dual_path_networks_end_in_relu() -> None:
    donor = build(small(spec_of("dpn68")), seed=0)
    state = foreign_state(donor, layout_called("timm", donor.spec))
    with pytest.raises(ModelFileError, match="final_activation='relu'; this one has not"):
        load_weights(build(replace(donor.spec, final_activation="elu")), state)


def test_timms_legacy_squeeze_and_excitation_is_refused_with_the_reason() -> None:
    model = build(small(spec_of("se_resnet50")))
    state = foreign_state(model, layout_called("timm (legacy SE)", model.spec))
    assert {"layer0.conv1.weight", "layer4.1.se_module.fc2.bias", "last_linear.weight"} <= state.keys()
    with pytest.raises(ModelFileError, match="cannot be used: as in Caffe, the pool of its stem has no padding"):
        load_weights(model, state)
