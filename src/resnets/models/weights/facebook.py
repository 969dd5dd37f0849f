"""The names of the ports of Facebook's pre-activation networks (fb.resnet.torch, resnet-1k-layers) to PyTorch.

They are torchvision's, with the norm before the head as `bn`. Projections read the activated input, as in the paper's
own code; ports that project x itself have the same names and shapes, and nothing in their files tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnets.models.weights.layout import Config, Layout
from resnets.models.weights.torchvision import RESNET
from resnets.spec import ResNetSpec

PREACTIVATION = {
    "stages.S{stage}.U{unit}.preactivation.norm{number}": "layer{stage}.{unit-1}.bn{number}",
    "final.norm": "bn",
    **RESNET,
}


def first_step(spec: ResNetSpec, config: Config) -> Mapping[str, Any]:  # noqa: ARG001 - one signature for all layouts
    """The step of a bottleneck in its first 1x1 (CIFAR nets of resnet-1k-layers), PyTorch's eps."""
    step = {"stride_in": "1x1"} if spec.block == "bottleneck" else {}
    return {"norm.eps": 1e-5, **step}


LAYOUTS = (
    Layout(
        name="facebook (pre-activation)",
        family=ResNetSpec,
        rules=lambda spec: PREACTIVATION,  # noqa: ARG005
        takes=lambda spec: spec.ordering == "full_preactivation" and spec.stem == "small",
        demands=first_step,
    ),
    Layout(
        name="facebook (pre-activation, for photographs)",
        family=ResNetSpec,
        rules=lambda spec: PREACTIVATION,  # noqa: ARG005
        takes=lambda spec: spec.ordering == "full_preactivation" and spec.stem == "large",
        refusal="its networks for photographs normalise and activate before the stem's pool and leave that out of the "
        "first unit; ours do it after the pool, as the first unit begins",
    ),
)
