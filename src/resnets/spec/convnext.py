"""The spec of ConvNeXt.      [Liu 2022]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import Activation, Initialization, NetworkSpec, check_num_blocks, check_widths, usual_image

LARGEST_PATCH = 32
"""Largest patch that a spec may ask for, in pixels."""


@dataclass(frozen=True, kw_only=True)
class ConvNeXtSpec(NetworkSpec):
    """A ConvNeXt: the residual network with the settings that transformers of images had found.      [Liu 2022]

    The defaults are ConvNeXt-T. Between two stages the image is halved by a 2x2 convolution of its own.
    """

    family: Literal["convnext"] = "convnext"
    num_blocks: tuple[int, ...] = (3, 3, 9, 3)
    """Units in each stage."""
    widths: tuple[int, ...] = (96, 192, 384, 768)
    """Channels of each stage."""
    patch_size: int = 4
    """Height and width of the stem's patches, which do not overlap: 4 for photographs, 1 or 2 for small images.
    [Liu 2022, section 2.2]"""
    layer_scale: float | None = 1e-6
    """Where the scale of each channel of a branch starts. None: no such scale.      [Touvron 2021, section 2]"""
    stochastic_depth: float = 0.0
    """Chance that training leaves out the last unit's branch for an image; earlier ones grow evenly to it from 0.
    [Huang 2016, section 3]"""
    activation: Activation = "gelu"
    """The nonlinearity."""
    norm_eps: float = 1e-6
    """Added to the variance in layer normalisation."""
    initialization: Initialization = "normal"
    """Distribution of the initial weights.      [Liu 2022, appendix A.1]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_blocks(self.num_blocks)
        check_widths(self.widths, self.num_blocks)
        values.check_range("patch_size", self.patch_size, 1, LARGEST_PATCH)
        if self.layer_scale is not None and not 0 < self.layer_scale <= 1:
            raise ConfigError(f"layer_scale must be above 0 and at most 1, or none; got {self.layer_scale}.")
        values.check_fraction("stochastic_depth", self.stochastic_depth)
        if not 0 < self.norm_eps < 1:
            raise ConfigError(f"norm_eps must be between 0 and 1, got {self.norm_eps}.")

    @property
    def drop_rates(self) -> tuple[float, ...]:
        """Each unit's chance to be left out, over all stages."""
        units = sum(self.num_blocks)
        return tuple(self.stochastic_depth * unit / max(1, units - 1) for unit in range(units))

    @property
    def depth(self) -> int:
        """Stem, three layers a unit, one between stages, classifier."""
        return 1 + 3 * sum(self.num_blocks) + len(self.num_blocks) - 1 + 1

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.widths[-1]

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image: a patch for every pixel of the last stage."""
        return self.patch_size << (len(self.num_blocks) - 1)

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """ImageNet's image for patches of four pixels and more, else MNIST's or CIFAR's."""
        return usual_image(self.in_channels, photographs=self.patch_size >= 4)

    @property
    def stem(self) -> str:
        """The stem, in a word."""
        return f"patches of {self.patch_size}x{self.patch_size}"

    @property
    def summary(self) -> str:
        """The equation of the blocks, and what a branch is."""
        return f"blocks y = x + F(x), F: depthwise 7x7, norm, 1x1 to four times the width, {self.activation}, 1x1 back"
