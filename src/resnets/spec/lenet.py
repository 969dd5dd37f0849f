"""The spec of LeNet-5, as published and as it is taught today.      [LeCun 1998]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnets.spec.network import Activation
from resnets.spec.staged import FixedSizeSpec

Subsampling = Literal["trainable", "average", "max"]


@dataclass(frozen=True, kw_only=True)
class LeNetSpec(FixedSizeSpec):
    """Three convolutions with subsampling between them, then two linear layers.      [LeCun 1998, section II-B]

    The defaults are the paper's. `image_size=28, subsampling="average", connections="all", activation="sigmoid"` is the
    form that Dive into Deep Learning teaches.
    """

    family: Literal["lenet"] = "lenet"
    image_size: Literal[28, 32] = 32
    """Height and width of the images; around those of 28 the first convolution pads two pixels."""
    subsampling: Subsampling = "trainable"
    """`trainable`: activation(w sum + b) over 2x2 pixels, one w and one b a channel. `average` and `max` have none."""
    connections: Literal["table", "all"] = "table"
    """Which maps the second convolution's maps read: the paper's Table I, or all."""
    activation: Activation = "scaled_tanh"
    """The nonlinearity."""

    @property
    def depth(self) -> int:
        """C1, C3, C5, F6 and the output."""
        return 5

    @property
    def out_channels(self) -> int:
        """Numbers that the last layer sees."""
        return 84

    @property
    def summary(self) -> str:
        """The equation of a layer."""
        return f"layers y = {self.activation}(W * x + b), {self.subsampling} subsampling"
