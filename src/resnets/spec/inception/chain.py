"""The steps of an Inception network as data: convolutions, pools and forks, one after the other in a chain.

What a chain does to an image follows from its steps alone, so that a spec knows its channels, its depth and the least
image without building anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from functools import reduce
from typing import Literal, TypeAlias

Border = Literal["same", "valid", "ceil", "cover"]
"""Where windows may lie. `same`: zeros around the image keep its size at step 1. `valid`: only inside the image.
`ceil`: the last one may stick out. `cover`: from the first pixel on, one for every step of the image."""


@dataclass(frozen=True)
class Conv:
    """A convolution with the norm and the activation after it."""

    width: int
    """Output channels."""
    kernel: int | tuple[int, int] = 1
    """Height and width of the kernel; one number for both."""
    _: KW_ONLY
    stride: int = 1
    border: Literal["same", "valid"] = "same"

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return (self.kernel, self.kernel) if isinstance(self.kernel, int) else self.kernel

    @property
    def depth(self) -> int:
        """Weight layers."""
        return 1

    def out_channels(self, in_channels: int) -> int:  # noqa: ARG002  # one signature for all steps
        """Its width, whatever comes in."""
        return self.width

    def out_size(self, size: int) -> int:
        """Pixels in a row of the output."""
        return _windows(size, max(self.kernel_size), self.stride, self.border)

    def scaled(self, factor: float) -> Conv:
        """With `factor` times the width, at least one channel."""
        return replace(self, width=max(1, round(self.width * factor)))


@dataclass(frozen=True)
class Pool:
    """The maximum or the mean of each window."""

    kind: Literal["max", "average"]
    kernel: int = 3
    _: KW_ONLY
    stride: int = 1
    border: Border = "same"
    counts_padding: bool = True
    """Whether a mean counts the zeros around the image."""

    @property
    def depth(self) -> int:
        """Weight layers."""
        return 0

    def out_channels(self, in_channels: int) -> int:
        """As many as come in."""
        return in_channels

    def out_size(self, size: int) -> int:
        """Pixels in a row of the output."""
        return _windows(size, self.kernel, self.stride, self.border)

    def scaled(self, factor: float) -> Pool:  # noqa: ARG002  # one signature for all steps
        """The same: it has no width."""
        return self


@dataclass(frozen=True)
class LocalNorm:
    """Local response normalisation over five channels.      [Krizhevsky 2012, section 3.3]"""

    @property
    def depth(self) -> int:
        """Weight layers."""
        return 0

    def out_channels(self, in_channels: int) -> int:
        """As many as come in."""
        return in_channels

    def out_size(self, size: int) -> int:
        """As many pixels as come in."""
        return size

    def scaled(self, factor: float) -> LocalNorm:  # noqa: ARG002  # one signature for all steps
        """The same: it has no width."""
        return self


@dataclass(frozen=True)
class Fork:
    """Chains side by side on the same input; their outputs are laid one after the other along the channels."""

    branches: Mapping[str, Chain]

    @property
    def depth(self) -> int:
        """Weight layers of the longest branch."""
        return max(map(depth_of, self.branches.values()))

    def out_channels(self, in_channels: int) -> int:
        """The sum over the branches."""
        return sum(channels_after(branch, in_channels) for branch in self.branches.values())

    def out_size(self, size: int) -> int:
        """Pixels in a row of the output; all branches agree on it."""
        return min(size_after(branch, size) for branch in self.branches.values())

    def scaled(self, factor: float) -> Fork:
        """With `factor` times the width in all branches."""
        return Fork({name: scaled(branch, factor) for name, branch in self.branches.items()})


Step: TypeAlias = Conv | Pool | LocalNorm | Fork
Chain: TypeAlias = tuple[Step, ...]


def channels_after(chain: Chain, in_channels: int) -> int:
    """Output channels of a chain."""
    return reduce(lambda channels, step: step.out_channels(channels), chain, in_channels)


def size_after(chain: Chain, size: int) -> int:
    """Pixels in a row of a chain's output; none or fewer if the image is too small."""
    return reduce(lambda pixels, step: step.out_size(pixels), chain, size)


def depth_of(chain: Chain) -> int:
    """Weight layers on the longest path through a chain."""
    return sum(step.depth for step in chain)


def scaled(chain: Chain, factor: float) -> Chain:
    """The chain with `factor` times the width everywhere."""
    return tuple(step.scaled(factor) for step in chain)


def _windows(size: int, kernel: int, stride: int, border: Border) -> int:
    """Places of a window in a row of pixels."""
    inside = size if border in ("same", "cover") else size - kernel + stride
    return -(-inside // stride) if border in ("same", "cover", "ceil") else inside // stride
