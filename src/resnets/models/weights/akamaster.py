"""The names of akamaster/pytorch_resnet_cifar10: the CIFAR nets of the paper with option A.

Its option A puts half of the new channels' zeros before the channels of x and half after them, ours all after. It is
the same network with the channels between the units renumbered, so the weights are read in our order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnets.models.weights.layout import Config, Layout, Orders
from resnets.spec import ResNetSpec

RESNET = {
    "stem.conv": "conv1",
    "stem.norm": "bn1",
    "stages.S{stage}.U{unit}.residual.conv{number}": "layer{stage}.{unit-1}.conv{number}",
    "stages.S{stage}.U{unit}.residual.norm{number}": "layer{stage}.{unit-1}.bn{number}",
    "head.linear": "linear",
}


def option_a(spec: ResNetSpec, config: Config) -> Mapping[str, Any]:  # noqa: ARG001 - one signature for all layouts
    """The shortcut without weights, which a file cannot show."""
    return {"norm.eps": 1e-5, "shortcut": "A"}


def renumbered(spec: ResNetSpec) -> Orders:
    """For each weight that touches the channels between units: which of their channels each of ours is."""
    streams = _streams(spec)
    orders: dict[str, Mapping[int, list[int]]] = {"head.linear.weight": {1: streams[-1]}}
    for stage, (units, own, before) in enumerate(
        zip(spec.num_blocks, streams, [streams[0], *streams], strict=False), start=1
    ):
        for unit in range(1, units + 1):
            branch = f"stages.S{stage}.U{unit}.residual"
            orders[f"{branch}.conv1.weight"] = {1: before if unit == 1 else own}
            orders[f"{branch}.conv2.weight"] = {0: own}
            for leaf in ("weight", "bias", "running_mean", "running_var"):
                orders[f"{branch}.norm2.{leaf}"] = {0: own}
    return orders


def _streams(spec: ResNetSpec) -> list[list[int]]:
    """After each stage: their number of each of our channels."""
    order = list(range(spec.first_width))
    streams = []
    for stage in range(len(spec.num_blocks)):
        extra = spec.stage_channels(stage) - len(order)
        before = extra // 2
        padding = [*range(before), *range(before + len(order), len(order) + extra)]
        order = [before + place for place in order] + padding
        streams.append(order)
    return streams


LAYOUTS = (
    Layout(
        name="akamaster/pytorch_resnet_cifar10",
        family=ResNetSpec,
        rules=lambda spec: RESNET,  # noqa: ARG005
        takes=lambda spec: spec.stem == "small" and spec.block == "basic" and len(spec.num_blocks) == 3,
        demands=option_a,
        orders=renumbered,
    ),
)
