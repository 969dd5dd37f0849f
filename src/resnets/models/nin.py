"""Network in Network: 1x1 convolutions, and no classifier of linear layers.      [Lin 2013]"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import pairwise

from torch import nn

from resnets.layers.head import ClassMapHead
from resnets.models.network import Network
from resnets.spec import MLPConvSpec, NiNSpec
from resnets.spec.nin import POOL

POOLS: Mapping[str, Callable[..., nn.Module]] = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


class NiN(Network):
    """logits = mean over the image of maps(stages(images)), each stage a perceptron that slides over the image

    After a convolution, 1x1 convolutions mix the channels of each pixel, so that a feature need not be linear. With
    features that good, one map a class and its mean are classifier enough. Bottlenecks, Inception's modules and the
    average pool of residual networks come from here.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: NiNSpec

    def __init__(self, spec: NiNSpec) -> None:
        inputs = (spec.in_channels, *(stage.widths[-1] for stage in spec.stages))
        ends = [*(_pool(stage, round_up=spec.round_up) for stage in spec.stages[:-1]), OrderedDict[str, nn.Module]()]
        super().__init__(
            spec,
            stem=nn.Identity(),
            stages=[_units(*sizes) for sizes in zip(inputs[:-1], spec.stages, ends, strict=True)],
            final=nn.Sequential(),
            head=ClassMapHead(spec.out_channels, spec.num_classes),
        )

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """A convolution with its kernel."""
        height, width = block.get_parameter("conv.weight").shape[2:]
        return f"{height}x{width}", ""


def _units(in_channels: int, stage: MLPConvSpec, end: OrderedDict[str, nn.Module]) -> list[nn.Module]:
    """The convolutions of a stage with their ReLUs, and its end behind the last one."""
    first, *others = pairwise((in_channels, *stage.widths))
    convolutions = [nn.Conv2d(*first, stage.kernel, stage.stride, stage.padding)]
    convolutions += [nn.Conv2d(*ends, 1) for ends in others]
    units = [OrderedDict[str, nn.Module](conv=convolution, activation=nn.ReLU()) for convolution in convolutions]
    units[-1] |= end
    return [nn.Sequential(layers) for layers in units]


def _pool(stage: MLPConvSpec, *, round_up: bool) -> OrderedDict[str, nn.Module]:
    pool = POOLS[stage.pooling](POOL, 2, ceil_mode=round_up)
    return OrderedDict[str, nn.Module](pool=pool, dropout=nn.Dropout(stage.dropout))
