from __future__ import annotations

import time

import pytest
import torch

from resnets.inference.native.measuring import _best, cuts, fastest, usual
from resnets.inference.native.operations import Convolution
from resnets.inference.native.steps import GATHER, WINOGRAD_2, WINOGRAD_4, ConvolutionStep, TorchConvolution
from resnets.native import library


def convolution(out: int, channels: int, size: int, *, groups: int = 1, stride: int = 1) -> Convolution:
    generator = torch.Generator().manual_seed(0)
    return Convolution(
        weight=torch.randn(out, channels // groups, size, size, generator=generator),
        bias=torch.randn(out, generator=generator),
        stride=(stride, stride),
        padding=(size // 2, size // 2),
        dilation=(1, 1),
        groups=groups,
        relu=True,
    )


@pytest.mark.parametrize(
    ("operation", "algorithms"),
    [
        (convolution(16, 16, 3), {GATHER, WINOGRAD_2, WINOGRAD_4}),
        (convolution(16, 16, 3, stride=2), {GATHER, WINOGRAD_2}),
        (convolution(16, 16, 5, stride=2), {GATHER}),
        (convolution(16, 16, 1), {GATHER}),
        (convolution(16, 3, 7, stride=2), {GATHER}),
        (convolution(16, 1000, 3), set()),
        (convolution(8, 16, 3), set()),
        (convolution(16, 32, 3, groups=2), set()),
        (convolution(16, 3, 13), set()),
    ],
)
def test_only_ways_that_the_kernels_have_are_tried(operation: Convolution, algorithms: set[int]) -> None:
    assert {cut.algorithm for cut in cuts(operation)} == algorithms


@pytest.mark.skipif(library.status().variant is None, reason="no native kernels here")
@pytest.mark.parametrize(
    "operation",
    [
        convolution(32, 16, 3),
        convolution(32, 16, 3, stride=2),
        convolution(32, 3, 7, stride=2),
        convolution(16, 5, 3),
    ],
)
@pytest.mark.parametrize("has_residual", [False, True])
def test_every_way_gives_the_same_answer(operation: Convolution, *, has_residual: bool) -> None:
    x = torch.randn(2, operation.weight.shape[1], 13, 11, generator=torch.Generator().manual_seed(1))
    expected = operation(x)
    residual = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2)) if has_residual else None
    expected = operation(x, residual)
    found = TorchConvolution(operation, tuple(x.shape))(x, residual)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    for cut in cuts(operation):
        out = torch.full_like(expected, torch.nan).contiguous(memory_format=torch.channels_last)
        step = ConvolutionStep(library.required(), operation, tuple(x.shape), cut)
        torch.testing.assert_close(step(out, x, residual), expected, rtol=1e-4, atol=1e-4)


def test_the_quickest_way_is_found() -> None:
    x = torch.zeros(1)

    def way(seconds: float) -> torch.Tensor:
        time.sleep(seconds)
        return x

    ways = {name: lambda name=name: way(name / 1000) for name in (4, 1, 3, 6, 9)}
    assert _best(ways, x) == 1


@pytest.mark.parametrize(
    ("channels", "shape", "is_ours"),
    [
        (512, (1, 512, 7, 7), False),
        (512, (8, 512, 7, 7), True),
        (512, (1, 512, 14, 14), True),
        (16, (1, 16, 4, 4), True),
    ],
)
def test_large_filters_usually_need_several_tiles(channels: int, shape: tuple[int, ...], *, is_ours: bool) -> None:
    assert (usual(convolution(channels, channels, 3), shape) is not None) == is_ours


@pytest.mark.skipif(library.status().variant is None, reason="no native kernels here")
def test_a_measurement_ends_in_a_way_that_there_is() -> None:
    operation = convolution(16, 16, 3)
    assert fastest(library.required(), operation, (1, 16, 8, 8), has_residual=True) in (None, *cuts(operation))
