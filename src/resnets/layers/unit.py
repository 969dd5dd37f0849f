"""The sizes of one residual unit: what its branch and its shortcut have to agree on."""

from __future__ import annotations

from dataclasses import dataclass

from resnets.spec import StrideIn


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Channels and steps of one unit."""

    in_channels: int
    width: int
    """Channels of its 3x3 convolutions, over all groups and parts."""
    out_channels: int
    groups: int = 1
    """Parallel paths that a bottleneck's 3x3 consists of."""
    scale: int = 1
    """Parts that a Res2Net's 3x3 consists of."""
    stride: int = 1
    """Step of the unit in both image directions."""
    stride_in: StrideIn = "1x1"
    """The convolution of a bottleneck that takes the step."""
    dilation: int = 1
    """Spacing of the weights of its 3x3 convolutions."""
    first_dilation: int = 1
    """Spacing in the first 3x3: that of the previous unit, as its input is the previous unit's output."""
    survival: float = 1.0
    """Part of the images for which its branch is kept in training."""

    @property
    def spatial_stride(self) -> int:
        """Step of a bottleneck's 3x3."""
        return self.stride if self.stride_in == "3x3" else 1

    @property
    def changes_shape(self) -> bool:
        """Whether the output differs from the input in size or channels, so that x itself cannot be added."""
        return self.stride != 1 or self.in_channels != self.out_channels
