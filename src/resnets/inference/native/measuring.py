"""Which way of doing a convolution is fastest here: all are tried, the best ones again and again in turn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor

from resnets.inference.native.operations import Convolution
from resnets.inference.native.steps import (
    BY_SHAPE,
    GATHER,
    WINOGRAD_2,
    WINOGRAD_4,
    ConvolutionStep,
    Cut,
    channels_last,
    is_for_kernels,
    is_for_winograd,
    on_torch,
)
from resnets.native.kernels import PANEL
from resnets.native.library import Kernels

SEVERAL = 8
"""Images that a convolution of more than one is measured on: so many keep all ways as busy as any number."""
FINALISTS = 4
ROUNDS = 5
_ENOUGH_TILES, _FEW_FILTERS = 8, 128 * 128  # with 4 tiles and 256 x 256 filters oneDNN takes 0.84 of the time
_LARGER_THAN_CACHES = 12_000_000  # numbers: 48 MB
Key = TypeVar("Key")


def cuts(operation: Convolution) -> list[Cut]:
    """The ways in which our kernels may do it; none where they cannot."""
    found: list[Cut] = []
    if is_for_kernels(operation) and operation.weight.shape[1] % PANEL:
        return [Cut(GATHER, 0)]  # nothing is gathered
    if is_for_kernels(operation):
        found += [Cut(GATHER, tiles) for tiles in (24, 48, 96, 192)]
        found += [Cut(GATHER, tiles, by_channels=True) for tiles in (48, 192, 384)]
    if is_for_winograd(operation):
        for algorithm in (WINOGRAD_2, WINOGRAD_4) if operation.stride == (1, 1) else (WINOGRAD_2,):
            found += [Cut(algorithm, tiles, panels) for tiles in (12, 24, 48, 96) for panels in (2, 4)]
            found += [Cut(algorithm, tiles, by_channels=True) for tiles in (24, 96)]
    return found


def usual(operation: Convolution, shape: tuple[int, ...]) -> Cut | None:
    """The way that is the fastest most of the time, where nothing was measured.

    Winograd's filters are up to four times as large: where they fit no cache, a few tiles do not make up for reading
    them.
    """
    images, channels, height, width = shape
    tiles = images * math.ceil(height / 4) * math.ceil(width / 4)
    pays = tiles >= _ENOUGH_TILES or channels * len(operation.weight) <= _FEW_FILTERS
    return Cut(BY_SHAPE, 0) if pays and is_for_winograd(operation) else None


def fastest(kernels: Kernels, operation: Convolution, shape: tuple[int, ...], *, has_residual: bool) -> Cut | None:
    """The best cut for an input of `shape`; None where oneDNN is faster."""
    shape = (1 if shape[0] == 1 else SEVERAL, *shape[1:])
    x = _noise(*shape)
    by_torch = on_torch(operation, shape)
    out = channels_last(by_torch(x))
    residual = _noise(*out.shape) if has_residual else None
    ways: dict[Cut | None, Callable[[], Tensor]] = {None: lambda: by_torch(x, residual)}
    steps: dict[int, ConvolutionStep] = {}
    for cut in cuts(operation):
        if cut.algorithm not in steps:
            steps[cut.algorithm] = ConvolutionStep(kernels, operation, shape, cut)
        ways[cut] = steps[cut.algorithm].cut(cut).on(out, x, residual)
    return _best(ways, x)


def _best(ways: Mapping[Key, Callable[[], Tensor]], x: Tensor) -> Key:
    """The way with the least time of all its rounds, as noise only adds.

    In the last rounds other memory is read before each, as in a network: filters are then not in the caches, the input
    is.
    """
    first = {way: _seconds(action) for way, action in ways.items()}
    first = {way: min(first[way], _seconds(action)) for way, action in ways.items()}
    finalists = sorted(first, key=lambda way: first[way])[:FINALISTS]
    others, least = torch.zeros(_LARGER_THAN_CACHES), dict.fromkeys(finalists, float("inf"))
    for _ in range(ROUNDS):
        for way in finalists:
            others.sum()
            x.mul_(1)
            least[way] = min(least[way], _seconds(ways[way]))
    return min(finalists, key=lambda way: least[way])


def _seconds(action: Callable[[], Tensor]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _noise(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator).contiguous(memory_format=torch.channels_last)
