"""The tables of the networks without shortcuts: GoogLeNet, BN-Inception, Inception-v3 and v4, and a small one.

A pair of widths stands for two convolutions one after the other: a 1x1 that reduces, and the one that its name says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

from resnets.spec.inception.chain import Border, Chain, Conv, Fork, LocalNorm, Pool
from resnets.spec.inception.layout import Auxiliary, Layout, Unit

if TYPE_CHECKING:
    from resnets.spec.inception.spec import InceptionLayout

Pair = tuple[int, int]

MAX_POOL = Unit(kind="max pool", step=Pool("max", stride=2, border="ceil"))


def valid(width: int, kernel: int = 3, stride: int = 1) -> Conv:
    """A convolution without padding."""
    return Conv(width, kernel, stride=stride, border="valid")


def halving_pool(border: Border = "valid") -> Pool:
    """3x3 max-pool of step 2."""
    return Pool("max", stride=2, border=border)


# GoogLeNet [Szegedy 2014, Table 1]

_CONVOLUTIONS = (Conv(64, 7, stride=2), halving_pool("ceil"), LocalNorm(), Conv(64), Conv(192, 3), LocalNorm())
_STEM = (*_CONVOLUTIONS, halving_pool("ceil"))


def googlenet(*, five: Literal[3, 5] = 5, last_pool: Literal[2, 3] = 3) -> Layout:
    """22 layers: nine modules, and two auxiliary heads in the middle.      [Szegedy 2014, Table 1]

    Args:
        five: kernel of the branches called 5x5.
        last_pool: kernel of the last max-pool.
    """

    def module(*, one: int, three: Pair, wide: Pair, pool: int) -> Unit:
        return Unit(kind="inception", step=Fork({
            "1x1": (Conv(one),),
            "3x3": (Conv(three[0]), Conv(three[1], 3)),
            "5x5": (Conv(wide[0]), Conv(wide[1], five)),
            "pool": (Pool("max"), Conv(pool)),
        }))  # fmt: skip

    stages = (
        (
            module(one=64, three=(96, 128), wide=(16, 32), pool=32),
            module(one=128, three=(128, 192), wide=(32, 96), pool=64),
        ),
        (
            MAX_POOL,
            module(one=192, three=(96, 208), wide=(16, 48), pool=64),
            module(one=160, three=(112, 224), wide=(24, 64), pool=64),
            module(one=128, three=(128, 256), wide=(24, 64), pool=64),
            module(one=112, three=(144, 288), wide=(32, 64), pool=64),
            module(one=256, three=(160, 320), wide=(32, 128), pool=128),
        ),
        (
            Unit(kind="max pool", step=Pool("max", last_pool, stride=2, border="ceil")),
            module(one=256, three=(160, 320), wide=(32, 128), pool=128),
            module(one=384, three=(192, 384), wide=(48, 128), pool=128),
        ),
    )
    heads = tuple(
        Auxiliary(after=label, grid=4, chain=(Conv(128),), hidden=1024, dropout=0.7) for label in ("S2U2", "S2U5")
    )
    return Layout(image_size=224, stem=_STEM, stages=stages, auxiliary=heads)


# BN-Inception [Ioffe 2015, Figure 5]


def bn_inception() -> Layout:
    """A 5x5 is two 3x3, and two modules halve the image themselves.      [Ioffe 2015, Figure 5]"""

    def module(*, one: int, three: Pair, double: Pair, pool: tuple[Literal["max", "average"], int]) -> Unit:
        return Unit(kind="inception", step=Fork({
            "1x1": (Conv(one),),
            "3x3": (Conv(three[0]), Conv(three[1], 3)),
            "3x3_3x3": (Conv(double[0]), Conv(double[1], 3), Conv(double[1], 3)),
            "pool": (Pool(pool[0]), Conv(pool[1])),
        }))  # fmt: skip

    def reduction(*, three: Pair, double: Pair) -> Unit:
        return Unit(kind="reduction", step=Fork({
            "3x3": (Conv(three[0]), Conv(three[1], 3, stride=2)),
            "3x3_3x3": (Conv(double[0]), Conv(double[1], 3), Conv(double[1], 3, stride=2)),
            "pool": (halving_pool("cover"),),
        }))  # fmt: skip

    stages = (
        (
            module(one=64, three=(64, 64), double=(64, 96), pool=("average", 32)),
            module(one=64, three=(64, 96), double=(64, 96), pool=("average", 64)),
        ),
        (
            reduction(three=(128, 160), double=(64, 96)),
            module(one=224, three=(64, 96), double=(96, 128), pool=("average", 128)),
            module(one=192, three=(96, 128), double=(96, 128), pool=("average", 128)),
            module(one=160, three=(128, 160), double=(128, 160), pool=("average", 128)),
            module(one=96, three=(128, 192), double=(160, 192), pool=("average", 128)),
        ),
        (
            reduction(three=(128, 192), double=(192, 256)),
            module(one=352, three=(192, 320), double=(160, 224), pool=("average", 128)),
            module(one=352, three=(192, 320), double=(192, 224), pool=("max", 128)),
        ),
    )
    return Layout(image_size=224, stem=_STEM, stages=stages)


# Inception-v3 [Szegedy 2015, Table 1]

V3_STEM: Chain = (
    valid(32, stride=2), valid(32), Conv(64, 3), halving_pool(), Conv(80), valid(192), halving_pool(),
)  # fmt: skip


def v3() -> Layout:
    """Large kernels in factors: 5x5 as two 3x3, 7x7 as 1x7 and 7x1.      [Szegedy 2015, Table 1]"""

    def module_a(pool: int) -> Unit:
        return Unit(kind="inception A", step=Fork({
            "1x1": (Conv(64),),
            "5x5": (Conv(48), Conv(64, 5)),
            "3x3_3x3": (Conv(64), Conv(96, 3), Conv(96, 3)),
            "pool": (Pool("average"), Conv(pool)),
        }))  # fmt: skip

    def module_b(width: int) -> Unit:
        row, column = Conv(width, (1, 7)), Conv(width, (7, 1))
        return Unit(kind="inception B", step=Fork({
            "1x1": (Conv(192),),
            "7x7": (Conv(width), row, Conv(192, (7, 1))),
            "7x7_7x7": (Conv(width), column, row, column, Conv(192, (1, 7))),
            "pool": (Pool("average"), Conv(192)),
        }))  # fmt: skip

    split = Fork({"1x3": (Conv(384, (1, 3)),), "3x1": (Conv(384, (3, 1)),)})
    module_c = Unit(kind="inception C", step=Fork({
        "1x1": (Conv(320),),
        "3x3": (Conv(384), split),
        "3x3_3x3": (Conv(448), Conv(384, 3), split),
        "pool": (Pool("average"), Conv(192)),
    }))  # fmt: skip
    reduction_a = Unit(kind="reduction A", step=Fork({
        "3x3": (valid(384, stride=2),),
        "3x3_3x3": (Conv(64), Conv(96, 3), valid(96, stride=2)),
        "pool": (halving_pool(),),
    }))  # fmt: skip
    reduction_b = Unit(kind="reduction B", step=Fork({
        "3x3": (Conv(192), valid(320, stride=2)),
        "7x7_3x3": (Conv(192), Conv(192, (1, 7)), Conv(192, (7, 1)), valid(192, stride=2)),
        "pool": (halving_pool(),),
    }))  # fmt: skip
    stages = (
        tuple(module_a(pool) for pool in (32, 64, 64)),
        (reduction_a, *(module_b(width) for width in (128, 160, 160, 192))),
        (reduction_b, module_c, module_c),
    )
    head = Auxiliary(after="S2U5", grid=5, chain=(Conv(128), valid(768, 5)))
    return Layout(image_size=299, stem=V3_STEM, stages=stages, auxiliary=(head,))


# Inception-v4 [Szegedy 2016, Figures 3 to 9]

_V4_STEM: Chain = (
    valid(32, stride=2), valid(32), Conv(64, 3),
    Fork({"pool": (halving_pool(),), "3x3": (valid(96, stride=2),)}),
    Fork({
        "3x3": (Conv(64), valid(96)),
        "7x7_3x3": (Conv(64), Conv(64, (1, 7)), Conv(64, (7, 1)), valid(96)),
    }),
    Fork({"3x3": (valid(192, stride=2),), "pool": (halving_pool(),)}),
)  # fmt: skip


def v4() -> Layout:
    """Three uniform stages of four, seven and three equal modules.      [Szegedy 2016, Figure 9]"""
    pool = Pool("average", counts_padding=False)
    module_a = Unit(kind="inception A", step=Fork({
        "1x1": (Conv(96),),
        "3x3": (Conv(64), Conv(96, 3)),
        "3x3_3x3": (Conv(64), Conv(96, 3), Conv(96, 3)),
        "pool": (pool, Conv(96)),
    }))  # fmt: skip
    module_b = Unit(kind="inception B", step=Fork({
        "1x1": (Conv(384),),
        "7x7": (Conv(192), Conv(224, (1, 7)), Conv(256, (7, 1))),
        "7x7_7x7": (Conv(192), Conv(192, (7, 1)), Conv(224, (1, 7)), Conv(224, (7, 1)), Conv(256, (1, 7))),
        "pool": (pool, Conv(128)),
    }))  # fmt: skip
    row, column = Conv(256, (1, 3)), Conv(256, (3, 1))
    split = Fork({"1x3": (row,), "3x1": (column,)})
    module_c = Unit(kind="inception C", step=Fork({
        "1x1": (Conv(256),),
        "3x3": (Conv(384), split),
        "3x3_3x3": (Conv(384), Conv(448, (3, 1)), Conv(512, (1, 3)), split),
        "pool": (pool, Conv(256)),
    }))  # fmt: skip
    reduction_a = Unit(kind="reduction A", step=Fork({
        "3x3": (valid(384, stride=2),),
        "3x3_3x3": (Conv(192), Conv(224, 3), valid(256, stride=2)),
        "pool": (halving_pool(),),
    }))  # fmt: skip
    reduction_b = Unit(kind="reduction B", step=Fork({
        "3x3": (Conv(192), valid(192, stride=2)),
        "7x7_3x3": (Conv(256), Conv(256, (1, 7)), Conv(320, (7, 1)), valid(320, stride=2)),
        "pool": (halving_pool(),),
    }))  # fmt: skip
    stages = ((module_a,) * 4, (reduction_a, *(module_b,) * 7), (reduction_b, *(module_c,) * 3))
    return Layout(image_size=299, stem=_V4_STEM, stages=stages)


# Inception (small) [Zhang 2017, Figure 3]


def small() -> Layout:
    """Modules of two branches for 28x28 pixels.      [Zhang 2017, Figure 3]"""

    def module(one: int, three: int) -> Unit:
        return Unit(kind="inception", step=Fork({"1x1": (Conv(one),), "3x3": (Conv(three, 3),)}))

    def reduction(three: int) -> Unit:
        pool = Pool("max", stride=2, border="same")
        return Unit(kind="reduction", step=Fork({"3x3": (Conv(three, 3, stride=2),), "pool": (pool,)}))

    stages = (
        (module(32, 32), module(32, 48)),
        (reduction(80), module(112, 48), module(96, 64), module(80, 80), module(48, 96)),
        (reduction(96), module(176, 160), module(176, 160)),
    )
    return Layout(image_size=28, stem=(Conv(96, 3),), stages=stages)


LAYOUTS: Mapping[InceptionLayout, Callable[[], Layout]] = {
    "googlenet": googlenet,
    "googlenet_3x3": partial(googlenet, five=3, last_pool=2),
    "bn_inception": bn_inception,
    "v3": v3,
    "v4": v4,
    "small": small,
}
"""Name of a layout -> its table."""
