from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import MLPConvSpec, NiNSpec, replace


@pytest.mark.parametrize(("name", "parameters"), [
    ("nin", 966_986),  # Caffe's model zoo: 0.97 M
    ("nin_imagenet", 7_595_176),  # Caffe's model zoo: 7.6 M
    ("nin_d2l", 1_992_166),
])  # fmt: skip
def test_parameters_are_published_ones(name: str, parameters: int) -> None:
    spec = spec_of(name)
    assert complexity(spec, spec.usual_input).parameters == parameters


def test_macs_equal_the_closed_formula() -> None:
    pixels, macs = 32 * 32, 0
    for kernel, *widths in ((5, 3, 192, 160, 96), (5, 96, 192, 192, 192), (3, 192, 192, 192, 10)):
        areas = (kernel * kernel, 1, 1)
        macs += sum(a * i * o * pixels for a, i, o in zip(areas, widths[:-1], widths[1:], strict=True))
        pixels //= 4
    assert complexity(spec_of("nin"), (3, 32, 32)).macs == macs


@pytest.mark.parametrize(
    ("name", "sizes"), [("nin", [16, 8, 8]), ("nin_imagenet", [27, 13, 6, 6]), ("nin_d2l", [26, 12, 5, 5])]
)
def test_stages_leave_the_sizes_of_their_sources(name: str, sizes: list[int]) -> None:
    spec = spec_of(name)
    rows = structure(spec, spec.usual_input)
    ends = {row.label[:2]: row.output_shape[-1] for row in rows if row.label != "head"}
    assert list(ends.values()) == sizes


def test_equals_the_layers_one_after_the_other() -> None:
    stages = (MLPConvSpec(kernel=5, stride=2, widths=(4, 6), pooling="average"), MLPConvSpec(kernel=3, widths=(7,)))
    model = build(NiNSpec(stages=stages, num_classes=5, usual_size=40), seed=0).eval()
    p = list(model.parameters())
    images = torch.randn(2, 3, 24, 31)
    x = functional.conv2d(images, p[0], p[1], stride=2).relu()
    x = functional.avg_pool2d(functional.conv2d(x, p[2], p[3]).relu(), 3, 2, ceil_mode=True)
    x = functional.conv2d(x, p[4], p[5], padding=1).relu()
    x = functional.conv2d(x, p[6], p[7]).relu()
    torch.testing.assert_close(model(images), x.mean((2, 3)))


def test_smallest_image_is_the_smallest() -> None:
    stages = tuple(
        MLPConvSpec(kernel=kernel, stride=stride, widths=(4,)) for kernel, stride in ((11, 4), (5, 1), (3, 1))
    )
    model = build(NiNSpec(stages=stages, num_classes=5, usual_size=64, round_up=False), seed=0)
    assert model.minimum_size == 35
    assert model(torch.zeros(1, 3, 35, 35)).shape == (1, 5)
    with pytest.raises(DataError, match="at least 35x35"):
        model(torch.zeros(1, 3, 34, 35))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": 4, "widths": (3,)}, "kernel must be odd, got 4"),
        ({"kernel": 65, "widths": (3,)}, "kernel must be from 1 to 63"),
        ({"kernel": 3, "widths": ()}, "widths is empty"),
        ({"kernel": 3, "widths": (0,)}, "widths must be from 1"),
        ({"kernel": 3, "widths": (3,), "stride": 9}, "stride must be from 1 to 8"),
        ({"kernel": 3, "widths": (3,), "dropout": 1.0}, "dropout must be at least 0 and below 1"),
    ],
)
def test_impossible_stages_are_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MLPConvSpec(**settings)


@pytest.mark.parametrize(("field", "value"), [("stages", ()), ("usual_size", 2)])
def test_impossible_settings_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        replace(spec_of("nin"), **{field: value})
