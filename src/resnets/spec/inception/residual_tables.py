"""The tables of Inception-ResNet v1 and v2, in the form whose trained weights are published.

The paper's figures differ: they have five blocks in the last stage of v1, and for v2 the stem of Inception-v4, blocks
in numbers 5, 10, 5, and wider stages (384, 1152, 2144 channels). The published networks have one more block at the end,
unscaled and without an activation, v2 has the stem of Inception-v3 and one module before its first block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resnets.spec.inception.chain import Conv, Fork, Pool
from resnets.spec.inception.layout import Layout, Unit
from resnets.spec.inception.tables import V3_STEM, halving_pool, valid


def v1(num_blocks: Sequence[int], scales: Sequence[float]) -> Layout:
    """As costly as Inception-v3.      [Szegedy 2016, Figures 10 to 15]"""
    block_a = Unit(kind="residual A", step=Fork({
        "1x1": (Conv(32),),
        "3x3": (Conv(32), Conv(32, 3)),
        "3x3_3x3": (Conv(32), Conv(32, 3), Conv(32, 3)),
    }))  # fmt: skip
    block_b = Unit(kind="residual B", step=Fork({
        "1x1": (Conv(128),),
        "7x7": (Conv(128), Conv(128, (1, 7)), Conv(128, (7, 1))),
    }))  # fmt: skip
    block_c = Unit(kind="residual C", step=Fork({
        "1x1": (Conv(192),),
        "3x3": (Conv(192), Conv(192, (1, 3)), Conv(192, (3, 1))),
    }))  # fmt: skip
    reduction_a = _reduction_a(three=384, double=(192, 192, 256))
    reduction_b = _reduction_b(first=(256, 384), second=(256, 256), double=(256, 256, 256))
    blocks = [_repeated(*repeat) for repeat in zip((block_a, block_b, block_c), num_blocks, scales, strict=True)]
    stages = (blocks[0], (reduction_a, *blocks[1]), (reduction_b, *_ended(blocks[2])))
    return Layout(image_size=299, stem=(*V3_STEM[:-1], valid(256, stride=2)), stages=stages)


def v2(num_blocks: Sequence[int], scales: Sequence[float]) -> Layout:
    """As costly as Inception-v4.      [Szegedy 2016, Figures 14 to 19]"""
    first = Unit(kind="inception A", step=Fork({
        "1x1": (Conv(96),),
        "5x5": (Conv(48), Conv(64, 5)),
        "3x3_3x3": (Conv(64), Conv(96, 3), Conv(96, 3)),
        "pool": (Pool("average", counts_padding=False), Conv(64)),
    }))  # fmt: skip
    block_a = Unit(kind="residual A", step=Fork({
        "1x1": (Conv(32),),
        "3x3": (Conv(32), Conv(32, 3)),
        "3x3_3x3": (Conv(32), Conv(48, 3), Conv(64, 3)),
    }))  # fmt: skip
    block_b = Unit(kind="residual B", step=Fork({
        "1x1": (Conv(192),),
        "7x7": (Conv(128), Conv(160, (1, 7)), Conv(192, (7, 1))),
    }))  # fmt: skip
    block_c = Unit(kind="residual C", step=Fork({
        "1x1": (Conv(192),),
        "3x3": (Conv(192), Conv(224, (1, 3)), Conv(256, (3, 1))),
    }))  # fmt: skip
    reduction_a = _reduction_a(three=384, double=(256, 256, 384))
    reduction_b = _reduction_b(first=(256, 384), second=(256, 288), double=(256, 288, 320))
    blocks = [_repeated(*repeat) for repeat in zip((block_a, block_b, block_c), num_blocks, scales, strict=True)]
    stages = ((first, *blocks[0]), (reduction_a, *blocks[1]), (reduction_b, *_ended(blocks[2])))
    return Layout(image_size=299, stem=V3_STEM, stages=stages, final=(Conv(1536),))


def _reduction_a(*, three: int, double: tuple[int, int, int]) -> Unit:
    return Unit(kind="reduction A", step=Fork({
        "3x3": (valid(three, stride=2),),
        "3x3_3x3": (Conv(double[0]), Conv(double[1], 3), valid(double[2], stride=2)),
        "pool": (halving_pool(),),
    }))  # fmt: skip


def _reduction_b(*, first: tuple[int, int], second: tuple[int, int], double: tuple[int, int, int]) -> Unit:
    return Unit(kind="reduction B", step=Fork({
        "3x3_first": (Conv(first[0]), valid(first[1], stride=2)),
        "3x3_second": (Conv(second[0]), valid(second[1], stride=2)),
        "3x3_3x3": (Conv(double[0]), Conv(double[1], 3), valid(double[2], stride=2)),
        "pool": (halving_pool(),),
    }))  # fmt: skip


def _repeated(block: Unit, count: int, scale: float) -> tuple[Unit, ...]:
    return (replace(block, scale=scale),) * count


def _ended(blocks: tuple[Unit, ...]) -> tuple[Unit, ...]:
    """The last block of the network adds F as it is and has no activation."""
    return (*blocks[:-1], replace(blocks[-1], scale=1.0, activated=False))
