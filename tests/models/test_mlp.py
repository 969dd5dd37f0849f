from __future__ import annotations

import pytest
import torch

from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.models.build import build
from resnets.spec import MLPSpec, replace, spec_from_dict
from resnets.values import to_dict

SPEC = MLPSpec(in_channels=1, num_classes=10)


def test_network_of_the_batch_norm_paper_has_three_layers_of_a_hundred_sigmoids() -> None:
    cost = complexity(SPEC, (1, 28, 28))
    macs = 784 * 100 + 2 * 100 * 100 + 100 * 10
    assert (cost.macs, cost.parameters) == (macs, macs + 3 * 100 + 10)


def test_batch_norm_takes_the_place_of_the_bias() -> None:
    cost = complexity(replace(SPEC, batch_norm=True), (1, 28, 28))
    assert cost.parameters == complexity(SPEC, (1, 28, 28)).parameters - 300 + 600


def test_equals_the_equation() -> None:
    model = build(replace(SPEC, hidden=(6, 4), image_size=5), seed=0)
    images = torch.randn(3, 1, 5, 5)
    x, weights = images.flatten(1), list(model.parameters())
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = torch.sigmoid(x @ weight.T + bias)
    torch.testing.assert_close(model(images), x @ weights[-2].T + weights[-1])


def test_perceptron_is_one_linear_layer() -> None:
    assert complexity(replace(SPEC, hidden=()), (1, 28, 28)).parameters == 7850
    assert replace(SPEC, hidden=()).depth == 1


def test_other_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="at least 28x28 pixels, got 27x28"):
        build(SPEC)(torch.zeros(1, 1, 27, 28))
    with pytest.raises(DataError, match="at most 28x28 pixels, got 28x29"):
        build(SPEC)(torch.zeros(1, 1, 28, 29))


@pytest.mark.parametrize(("field", "value"), [("hidden", (0,)), ("hidden", (3,) * 1001), ("image_size", 0)])
def test_impossible_settings_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        replace(SPEC, **{field: value})


def test_family_is_read_back_and_a_resnet_where_it_is_missing() -> None:
    assert spec_from_dict(to_dict(SPEC)) == SPEC
    assert type(spec_from_dict({"num_blocks": [1]})).__name__ == "ResNetSpec"
    with pytest.raises(ConfigError, match=r"spec\.family must be one of resnet, mlp.*; got 'mpl'\. Did you mean 'mlp'"):
        spec_from_dict({"family": "mpl"})


def test_settings_of_another_family_are_refused() -> None:
    with pytest.raises(ConfigError, match="A MLP has no setting 'stem'"):
        replace(SPEC, stem="large")
