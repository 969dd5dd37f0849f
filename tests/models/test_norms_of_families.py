"""The one setting of norms, in the families beside the ResNet."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from resnets.errors import ConfigError
from resnets.models.build import build
from resnets.spec import (
    NORM_KINDS,
    DenseNetSpec,
    DPNSpec,
    FractalNetSpec,
    NormKind,
    NormSpec,
    PyramidNetSpec,
    RevNetSpec,
    ShakeShakeSpec,
    replace,
)

Family = DenseNetSpec | DPNSpec | FractalNetSpec | RevNetSpec | PyramidNetSpec | ShakeShakeSpec

SMALL: dict[str, Family] = {
    "densenet": DenseNetSpec(num_blocks=(1, 2), growth=4, stem_width=8, num_classes=3),
    "dpn": DPNSpec(
        num_blocks=(1, 2), width=4, groups=2, residual_width=8, increments=(4, 4), stem_width=4, num_classes=3
    ),
    "fractalnet": FractalNetSpec(columns=2, widths=(4, 8), drop_path=0.0, global_drop_path=0.0, num_classes=3),
    "revnet": RevNetSpec(num_blocks=(1, 2), widths=(8, 16), stem_width=8, num_classes=3),
    "pyramidnet": PyramidNetSpec(num_blocks=(1, 2), alpha=12, stem_width=8, num_classes=3),
    "shakeshake": ShakeShakeSpec(num_blocks=(1, 2), width=8, stem_width=4, num_classes=3),
}


@pytest.mark.parametrize("kind", NORM_KINDS)
@pytest.mark.parametrize("family", SMALL)
def test_the_smallest_image_works_and_every_parameter_learns(family: str, kind: NormKind) -> None:
    model = build(replace(SMALL[family], norm=NormSpec(kind=kind)), seed=0)
    least = model.minimum_size
    assert model.eval()(torch.randn(1, 3, least, least)).isfinite().all()
    model.train()(torch.randn(2, 3, least + 5, least + 6)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


@pytest.mark.parametrize(
    ("family", "changes", "channels"),
    [
        ("densenet", {"growth": 3}, 11),
        ("densenet", {"compression": 0.6}, 7),
        ("dpn", {"increments": (1, 4)}, 11),
        ("fractalnet", {"widths": (4, 5)}, 5),
        ("revnet", {"widths": (8, 10)}, 5),
        ("pyramidnet", {"alpha": 9}, 11),
        ("shakeshake", {"stem_width": 5}, 5),
    ],
)
def test_groups_that_the_channels_cannot_make_are_refused(family: str, changes: dict[str, Any], channels: int) -> None:
    spec = replace(SMALL[family], **changes)
    with pytest.raises(ConfigError, match=rf"norm\.groups=32 cannot make equal groups of two or more of {channels} "):
        replace(spec, norm=NormSpec(kind="group"))
