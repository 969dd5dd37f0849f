"""The spec of the residual network, its plain twin and its pre-activation form.      [He 2015, He 2016]"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from resnets.errors import ConfigError
from resnets.spec.network import (
    Activation,
    NetworkSpec,
    size_before_halving,
    usual_image,
)
from resnets.spec.norm import NormSpec
from resnets.spec.resnet_checks import check_branches, check_contradictions, check_norms, check_sizes

Attention = Literal["none", "se", "eca"]
Block = Literal["basic", "bottleneck", "res2net", "sknet"]
BranchScale = Literal["none", "scalar", "fixup"]
Ordering = Literal[
    "original", "bn_after_addition", "relu_before_addition", "relu_only_preactivation", "full_preactivation"
]
Pooling = Literal["average", "max"]
Shortcut = Literal["A", "B", "C", "D", "none"]
Stem = Literal["large", "deep", "medium", "small", "pooled"]
StrideIn = Literal["1x1", "3x3"]

BOTTLENECK_EXPANSION = 4
"""A bottleneck's output is four times as wide as its 3x3.                       [He 2015, Table 1]"""


def selective_width(channels: int) -> int:
    """Channels of the layer by which an SKNet's unit of so many chooses.      [Li 2019, section 3.1, eq. 4]"""
    return max(channels // 16, 32)


@dataclass(frozen=True, kw_only=True)
class ResNetSpec(NetworkSpec):
    """A residual network, or its plain twin: stem, stages of blocks, head.             [He 2015, He 2016]

    Stage i (from 0) works at width `width * 2**i`; the first unit of every stage after the first halves the image.
    """

    family: Literal["resnet"] = "resnet"
    num_blocks: tuple[int, ...] = (2, 2, 2, 2)
    """Units in each stage."""
    block: Block = "basic"
    """`basic`: two 3x3. `bottleneck`: 1x1, 3x3, 1x1 with four times the width at its ends. `res2net`, `sknet`:
    bottlenecks whose 3x3 sees windows of several sizes.      [He 2015, Figure 5; Gao 2019; Li 2019]"""
    width: int = 64
    """Channels of the first stage's 3x3 convolutions; each later stage doubles them."""
    groups: int = 1
    """Parallel paths in a bottleneck: groups of its 3x3, ResNeXt's cardinality.      [Xie 2017, section 3.3]"""
    width_per_group: int = 64
    """Channels of such a path in the first stage of a net of width 64; 128 in one path is a wide ResNet.
    [Xie 2017, Table 2; Zagoruyko 2016, section 3]"""
    scale: int = 4
    """Parts that a res2net block splits its 3x3 into, each as wide as `width_per_group` says.      [Gao 2019, eq. 1]"""
    attention: Attention = "none"
    """Weigh the channels at the end of each branch: squeeze and excitation, or efficient channel attention.
    [Hu 2017, section 3; Wang 2019, section 3.3]"""
    attention_reduction: int = 16
    """Channels of a branch over those of the inner layer of squeeze and excitation."""
    stem: Stem = "large"
    """`large`: 7x7 stride 2 and max-pool. `deep`: three 3x3 and max-pool. `medium`: 5x5 stride 2. `small`: 3x3.
    `pooled`: 5x5 stride 2 and max-pool.      [He 2015, Table 1; He 2018, section 4.2]"""
    stem_width: int | None = None
    """Channels of the stem; None: as `width`."""
    shortcut: Shortcut = "B"
    """Options A (zero padding), B (projection where the shape changes), C (projection everywhere), D (as B, of means
    of 2x2 pixels). `none` is the plain twin: y = relu(F(x)).  [He 2015, sections 3.3 and 4.1; He 2018, section 4.2]"""
    projection_norm: bool = True
    """Normalise a projection shortcut where the branch ends normalised; Dive into Deep Learning's ResNet does not."""
    ordering: Ordering = "original"
    """Place of BN and ReLU in a unit: Figure 4 (a) to (e) of He 2016, in the order of the type."""
    stride_in: StrideIn = "1x1"
    """The convolution of a bottleneck that halves the image: 1x1 is v1 (the paper), 3x3 is v1.5 (most libraries)."""
    activation: Activation = "relu"
    """The nonlinearity."""
    norm: NormSpec = field(default_factory=NormSpec)
    """What normalises, one setting for the whole net."""
    weight_standardization: bool = False
    """Standardise each filter of a convolution before its use; meant for norms over one image. [Qiao 2019]"""
    branch_scale: BranchScale = "none"
    """`scalar`: a learned number, at first zero, times each branch. `fixup`: one, and small first weights, for no norm.
    [Bachlechner 2020, eq. 1; De 2020, section 5; Zhang 2019, section 3.2]"""
    dropout: float = 0.0
    """Part of the values that is dropped between the convolutions of a branch.      [Zagoruyko 2016, section 2.4]"""
    survival: float = 1.0
    """Part of the images for which the last branch is kept in training; all keep the first.      [Huang 2016, eq. 4]"""
    conv_bias: bool = False
    """Give every convolution a bias; useless before BN, but some tutorials have it."""
    zero_init_residual: bool = False
    """Start the last BN of every branch at scale zero: each block starts as its shortcut. [Goyal 2017, section 5.1]"""
    pooling: Pooling = "average"
    """How the head reduces the image to one number a channel."""
    output_stride: int | None = None
    """Ratio of input to final resolution; later stages are dilated instead of strided. None: no dilation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for check in (check_sizes, check_norms, check_branches, check_contradictions):
            check(self)

    @property
    def first_width(self) -> int:
        """Channels that the stem hands to the first stage."""
        return self.width if self.stem_width is None else self.stem_width

    @property
    def expansion(self) -> int:
        """Output channels of a block over the channels of its 3x3."""
        return 1 if self.block == "basic" else BOTTLENECK_EXPANSION

    def stage_channels(self, stage: int) -> int:
        """Output channels of a stage, counted from 0."""
        return self.width * (1 << stage) * self.expansion

    def inner_width(self, stage: int) -> int:
        """Channels of a 3x3 in a stage, counted from 0, over all its groups and parts."""
        parts = self.scale if self.block == "res2net" else 1
        return self.width * (1 << stage) * self.width_per_group // 64 * self.groups * parts

    @property
    def all_channels(self) -> set[int]:
        """Every number of channels between two convolutions."""
        stages = range(len(self.num_blocks))
        return {self.first_width, *map(self.inner_width, stages), *map(self.stage_channels, stages)}

    @property
    def inner_channels(self) -> set[int]:
        """Numbers of channels inside the deep stem and inside what stands for a 3x3."""
        widths = [self.inner_width(stage) for stage in range(len(self.num_blocks))]
        stem = {(self.first_width + 1) // 2} if self.stem == "deep" else set()
        if self.block == "res2net":
            return stem | {width // self.scale for width in widths}
        return stem | {selective_width(width) for width in widths} if self.block == "sknet" else stem

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.stage_channels(len(self.num_blocks) - 1)

    @property
    def stem_stride(self) -> int:
        """Ratio of the input's resolution to the stem's output."""
        return {"large": 4, "deep": 4, "medium": 2, "small": 1, "pooled": 4}[self.stem]

    @property
    def stage_strides(self) -> tuple[int, ...]:
        """Step of each stage's first unit; 1 where `output_stride` wants dilation instead."""
        return tuple(2 if 1 <= stage <= self._halvings else 1 for stage in range(len(self.num_blocks)))

    @property
    def stage_dilations(self) -> tuple[int, ...]:
        """Spacing of the 3x3 weights in each stage: doubled wherever a step was left out."""
        return tuple(1 << max(0, stage - self._halvings) for stage in range(len(self.num_blocks)))

    @property
    def _halvings(self) -> int:
        """Stages that halve the image."""
        if self.output_stride is None:
            return len(self.num_blocks) - 1
        return (self.output_stride // self.stem_stride).bit_length() - 1

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image: every layer that halves still finds two pixels to halve.

        Instance normalisation wants two pixels at the end as well: of one alone it makes zero.
        """
        halvings = {"large": 2, "deep": 2, "medium": 1, "small": 0, "pooled": 0}[self.stem]
        size = size_before_halving(self.norm.least_size, self._halvings + halvings)
        return 4 * size - 1 if self.stem == "pooled" else size  # a 2x2 pool rounds it down

    def _too_small(self, height: int, width: int) -> str:
        problem = super()._too_small(height, width)
        return problem if self.stem == "small" else problem.removesuffix(".") + "; stem='small' takes smaller ones."

    @property
    def depth(self) -> int:
        """Weight layers on the main path as the papers count them: stem (one), branches, classifier."""
        return 2 + sum(self.num_blocks) * (2 if self.block == "basic" else 3)

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """ImageNet's image for the large stem, else MNIST's or CIFAR's."""
        return usual_image(self.in_channels, photographs=self.stem in ("large", "deep"))

    @property
    def kind(self) -> str:
        """What its blocks are, in a word or two: `bottleneck 32x4d + se`, with groups and their width as in names."""
        paths = f" {self.groups}x{self.width_per_group}d" if (self.groups, self.width_per_group) != (1, 64) else ""
        if self.block == "res2net" and self.groups == 1:
            paths = f" {self.width_per_group}w_{self.scale}s"
        return self.block + paths + (f" + {self.attention}" if self.attention != "none" else "")

    @property
    def summary(self) -> str:
        """The equation of the blocks, and for bottlenecks where the stride is."""
        branch = "F(x)" if self.shortcut == "none" else "F(x) + shortcut(x)"
        equation = branch if self.ordering.endswith("preactivation") else f"{self.activation}({branch})"
        stride = "" if self.block == "basic" else f", stride in the {self.stride_in}"
        return f"{self.kind} blocks y = {equation}{stride}"

    @property
    def plain(self) -> ResNetSpec:
        """The same net without shortcuts, and without what leaves a branch out.      [He 2015, section 4.1]"""
        return dataclasses.replace(self, shortcut="none", zero_init_residual=False, branch_scale="none", survival=1.0)

    @classmethod
    def cifar(cls, depth: int, **changes: Any) -> ResNetSpec:
        """The CIFAR net of depth 6n+2: three stages of n basic units, widths 16, 32, 64.   [He 2015, section 4.2]

        Raises:
            ConfigError: if depth is not 6n+2 with n of at least 1.
        """
        n, remainder = divmod(depth - 2, 6)
        if remainder or n < 1:
            raise ConfigError(f"A CIFAR ResNet of basic blocks has depth 6n+2 (8, 14, 20, 26, 32, ...), got {depth}.")
        settings = {"num_blocks": (n, n, n), "width": 16, "stem": "small", "shortcut": "A", "num_classes": 10}
        return cls(**(settings | changes))  # type: ignore[arg-type]

    @classmethod
    def cifar_bottleneck(cls, depth: int, **changes: Any) -> ResNetSpec:
        """The CIFAR net of depth 9n+2: three stages of n bottlenecks, widths 64, 128, 256.   [He 2016, appendix]

        Raises:
            ConfigError: if depth is not 9n+2 with n of at least 1.
        """
        n, remainder = divmod(depth - 2, 9)
        if remainder or n < 1:
            raise ConfigError(
                f"A CIFAR ResNet of bottleneck blocks has depth 9n+2 (11, 20, 29, ..., 164, 1001), got {depth}."
            )
        settings = {"num_blocks": (n, n, n), "block": "bottleneck", "width": 16, "stem": "small", "num_classes": 10}
        return cls(**(settings | changes))  # type: ignore[arg-type]

    @classmethod
    def wide(cls, depth: int, widening: int, **changes: Any) -> ResNetSpec:
        """The CIFAR net WRN-d-k: pre-activated basic units of widths 16k, 32k, 64k.   [Zagoruyko 2016, Table 1]

        Wider rather than deeper: sixteen wide layers beat a thousand thin ones, and train faster on a GPU. The name
        counts three projections and no classifier, so that `depth` is two less.

        Raises:
            ConfigError: if depth is not 6n+4 with n of at least 1.
        """
        n, remainder = divmod(depth - 4, 6)
        if remainder or n < 1:
            raise ConfigError(f"A wide ResNet has depth 6n+4 (10, 16, 22, 28, 34, 40, ...), got {depth}.")
        settings = {
            "num_blocks": (n, n, n), "width": 16 * widening, "stem": "small", "stem_width": 16,
            "ordering": "full_preactivation", "num_classes": 10,
        }  # fmt: skip
        return cls(**(settings | changes))  # type: ignore[arg-type]


ATTENTIONS: tuple[str, ...] = get_args(Attention)
ORDERINGS: tuple[str, ...] = get_args(Ordering)
SHORTCUTS: tuple[str, ...] = get_args(Shortcut)
