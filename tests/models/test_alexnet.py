from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import AlexNetSpec, replace


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [("alexnet", 61_100_840, 714_188_480), ("alexnet_2012", 60_965_224, 724_406_816)],
)
def test_counts_are_torchvisions_and_caffes(name: str, parameters: int, macs: int) -> None:
    cost = complexity(spec_of(name), (3, 224, 224))
    assert (cost.parameters, cost.macs) == (parameters, macs)


def test_stages_have_the_papers_sizes() -> None:
    rows = structure(spec_of("alexnet_2012"), (3, 224, 224))
    assert [row.output_shape for row in rows] == [
        (96, 27, 27), (256, 13, 13), (384, 13, 13), (384, 13, 13), (256, 6, 6), (1000,)
    ]  # fmt: skip


def neighbours_divide(x: Tensor) -> Tensor:
    """[Krizhevsky 2012, section 3.3], written out."""
    channels = x.shape[1]
    sums = [x[:, max(0, i - 2) : min(channels, i + 3)].square().sum(1) for i in range(channels)]
    return x / (2 + 1e-4 * torch.stack(sums, 1)) ** 0.75


@pytest.mark.parametrize("towers", [1, 2])
def test_equals_the_layers_one_after_the_other(towers: int) -> None:
    model = build(AlexNetSpec(towers=towers, hidden=8, num_classes=5), seed=0).eval()  # type: ignore[arg-type]
    p = list(model.parameters())
    x = images = 10 * torch.randn(1, 3, 67, 95)
    layers = [(4, 2, 1, True), (1, 2, towers, True), (1, 1, 1, False), (1, 1, towers, False), (1, 1, towers, True)]
    for number, (stride, padding, groups, pool) in enumerate(layers):
        x = functional.conv2d(x, p[2 * number], p[2 * number + 1], stride, padding, groups=groups).relu()
        x = neighbours_divide(x) if towers == 2 and number < 2 else x
        x = functional.max_pool2d(x, 3, 2) if pool else x
    x = functional.adaptive_avg_pool2d(x, 6).flatten(1)
    x = functional.linear(functional.linear(x, p[10], p[11]).relu(), p[12], p[13]).relu()
    torch.testing.assert_close(model(images), functional.linear(x, p[14], p[15]))


def test_smallest_image_is_torchvisions() -> None:
    model = build(AlexNetSpec(hidden=8, num_classes=5)).eval()
    assert model(torch.zeros(1, 3, 63, 63)).shape == (1, 5)
    with pytest.raises(DataError, match="at least 63x63"):
        model(torch.zeros(1, 3, 62, 63))


@pytest.mark.parametrize(("field", "value"), [("towers", 3), ("hidden", 0), ("dropout", -0.1)])
def test_impossible_settings_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        replace(spec_of("alexnet"), **{field: value})
