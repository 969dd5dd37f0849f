"""The stem: from an image to the first stage's channels and resolution."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import nn

from resnets.layers.parts import Parts, Step
from resnets.spec import Stem


def large(
    in_channels: int, out_channels: int, steps: tuple[Step, ...], parts: Parts, *, kernel: int = 7
) -> nn.Sequential:
    """7x7 convolution with stride 2, then 3x3 max-pool with stride 2, for photographs.      [He 2015, Table 1]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, ceil(H / 4), ceil(W / 4))
    """
    convolution = parts.convolution(in_channels, out_channels, kernel=kernel, stride=2)
    pool = nn.MaxPool2d(3, stride=2, padding=1)
    return nn.Sequential(OrderedDict(conv=convolution) | parts.steps(steps, out_channels) | OrderedDict(pool=pool))


def medium(in_channels: int, out_channels: int, steps: tuple[Step, ...], parts: Parts) -> nn.Sequential:
    """5x5 convolution with stride 2, for small images and little time: a quarter of the small stem's work after it.

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, ceil(H / 2), ceil(W / 2))
    """
    convolution = parts.convolution(in_channels, out_channels, kernel=5, stride=2)
    return nn.Sequential(OrderedDict(conv=convolution) | parts.steps(steps, out_channels))


def deep(in_channels: int, out_channels: int, steps: tuple[Step, ...], parts: Parts) -> nn.Sequential:
    """Three 3x3 convolutions in the place of the 7x7, the first with stride 2, at half the width until the last.

    They see nearly as much of the image, with two more nonlinearities.      [He 2018, section 4.2 (ResNet-C)]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, ceil(H / 4), ceil(W / 4))
    """
    half = (out_channels + 1) // 2
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (inputs, stride) in enumerate(((in_channels, 2), (half, 1)), start=1):
        layers[f"conv{number}"] = parts.convolution(inputs, half, kernel=3, stride=stride)
        layers |= parts.steps(("norm", "activation"), half, str(number))
    layers["conv3"] = parts.convolution(half, out_channels, kernel=3)
    layers |= parts.steps(steps, out_channels, "3")
    return nn.Sequential(layers | OrderedDict(pool=nn.MaxPool2d(3, stride=2, padding=1)))


def small(in_channels: int, out_channels: int, steps: tuple[Step, ...], parts: Parts) -> nn.Sequential:
    """3x3 convolution, for images of about 32 pixels.      [He 2015, section 4.2]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H, W)
    """
    convolution = parts.convolution(in_channels, out_channels, kernel=3)
    return nn.Sequential(OrderedDict(conv=convolution) | parts.steps(steps, out_channels))


def pooled(in_channels: int, out_channels: int, steps: tuple[Step, ...], parts: Parts) -> nn.Sequential:
    """5x5 convolution with stride 2, then 2x2 max-pool: a sixteenth of the small stem's work in everything after it.

    Norm and activation come after the pool, where there is a quarter of the image left to work on.

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, floor(ceil(H / 2) / 2), floor(ceil(W / 2) / 2))
    """
    convolution = parts.convolution(in_channels, out_channels, kernel=5, stride=2)
    layers = OrderedDict[str, nn.Module](conv=convolution, pool=nn.MaxPool2d(2))
    return nn.Sequential(layers | parts.steps(steps, out_channels))


STEMS: Mapping[Stem, Callable[[int, int, tuple[Step, ...], Parts], nn.Sequential]] = {
    "large": large,
    "deep": deep,
    "medium": medium,
    "small": small,
    "pooled": pooled,
}
