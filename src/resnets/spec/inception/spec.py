"""The specs of the Inception networks, without and with residual connections.

Sources: [Szegedy 2014, Ioffe 2015, Szegedy 2015, Szegedy 2016].
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_BLOCKS, MAX_CHANNELS, Activation, NetworkSpec
from resnets.spec.norm import NormSpec

if TYPE_CHECKING:
    from resnets.spec.inception.layout import Layout

InceptionLayout = Literal["googlenet", "googlenet_3x3", "bn_inception", "v3", "v4", "small"]
InceptionResNetLayout = Literal["v1", "v2"]
InceptionStem = Literal["large", "small"]


def _layouts() -> Mapping[InceptionLayout, Callable[[], Layout]]:
    """The tables, loaded when a network is made: the options of a command need no more than the fields of a spec."""
    from resnets.spec.inception.tables import LAYOUTS  # noqa: PLC0415

    return LAYOUTS


@dataclass(frozen=True, kw_only=True)
class LayoutSpec(NetworkSpec):
    """What the two families share: a table of modules and how they are made."""

    stem: InceptionStem = "large"
    """`large`: the paper's, for photographs. `small`: one 3x3 convolution, for images of about 32 pixels."""
    width: float = 1.0
    """Factor of the width of every layer; none becomes narrower than one channel."""
    norm: NormSpec = field(default_factory=NormSpec)
    """The norm after every convolution; where the kind is none, convolutions have biases. [Ioffe 2015, section 3.2]"""
    conv_bias: bool = False
    """Give every convolution a bias even before a norm, where it is useless; weights from Caffe have it."""
    activation: Activation = "relu"
    """The nonlinearity."""
    dropout: float = 0.0
    """Part of the features that is blanked in training before they are classified."""

    def __post_init__(self) -> None:
        super().__post_init__()
        values.check_range("width", self.width, 1e-3, 64)
        values.check_fraction("dropout", self.dropout)
        if self.out_channels > MAX_CHANNELS:
            raise ConfigError(
                f"width={self.width} ends at {self.out_channels} channels; at most {MAX_CHANNELS} are possible."
            )

    @property
    @abstractmethod
    def table(self) -> Layout:
        """The published network, before any change."""

    @cached_property
    def plan(self) -> Layout:
        """The network as it is built."""
        table = self.table.scaled(self.width)
        table = table if self.norm.kind == "none" else table.without_local_norms()
        return table if self.stem == "large" else table.with_small_stem()

    @property
    def depth(self) -> int:
        """Weight layers on the longest path."""
        return self.plan.depth

    @property
    def out_channels(self) -> int:
        """Channels that the head sees."""
        return self.plan.out_channels(self.in_channels)

    @cached_property
    def minimum_size(self) -> int:
        """Least height and width of an image of which one pixel is left at the end."""
        return self.plan.minimum_size

    def _too_small(self, height: int, width: int) -> str:
        problem = super()._too_small(height, width)
        return problem if self.stem == "small" else problem.removesuffix(".") + "; stem='small' takes smaller ones."

    @property
    def usual_input(self) -> tuple[int, int, int]:
        """The paper's image; for a small stem at most MNIST's or CIFAR's."""
        largest = {"large": self.table.image_size, "small": 28 if self.in_channels == 1 else 32}
        size = min(self.table.image_size, largest[self.stem])
        return self.in_channels, size, size

    @property
    def pooling(self) -> str:
        """The mean over the image, in all of them."""
        return "average"


@dataclass(frozen=True, kw_only=True)
class InceptionSpec(LayoutSpec):
    """GoogLeNet and its successors: y = concat(branches(x)).

    Sources: [Szegedy 2014, Ioffe 2015, Szegedy 2015, Szegedy 2016, Zhang 2017].
    """

    family: Literal["inception"] = "inception"
    layout: InceptionLayout = "googlenet"
    """The table of modules. `googlenet_3x3` is what TensorFlow and torchvision ship under the name GoogLeNet: branches
    called 5x5 are 3x3, and the last max-pool is 2x2."""
    auxiliary: bool = False
    """Auxiliary heads in training: two in GoogLeNet, one in v3.      [Szegedy 2014, section 5]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.auxiliary and not self.table.auxiliary:
            has = ", ".join(f"'{name}'" for name, table in _layouts().items() if table().auxiliary)
            raise ConfigError(f"auxiliary=True, but layout='{self.layout}' has no auxiliary heads; {has} have.")
        if self.layout == "small" and self.stem != "small":
            raise ConfigError(f"layout='small' has a small stem only: stem='small', got stem='{self.stem}'.")

    @property
    def table(self) -> Layout:
        """The published network, before any change."""
        table = _layouts()[self.layout]()
        return table if self.auxiliary else replace(table, auxiliary=())

    @property
    def summary(self) -> str:
        """The equation of a module."""
        heads = len(self.plan.auxiliary)
        also = f", {heads} auxiliary head{'s' if heads > 1 else ''} in training" if heads else ""
        return f"modules y = concat(branches(x)) of the {self.layout} layout{also}"


@dataclass(frozen=True, kw_only=True)
class InceptionResNetSpec(LayoutSpec):
    """Inception-ResNet: y = relu(x + scale F(x)), with a module of branches as F.      [Szegedy 2016, section 3.2]

    The last block of the last stage adds F as it is and has no activation.
    """

    family: Literal["inception_resnet"] = "inception_resnet"
    layout: InceptionResNetLayout = "v2"
    """The table of modules."""
    num_blocks: tuple[int, ...] = (10, 20, 10)
    """Residual blocks in each of the three stages."""
    scales: tuple[float, ...] = (0.17, 0.10, 0.20)
    """Factor of F in each stage: small ones keep wide networks from dying.      [Szegedy 2016, section 3.3]"""

    def __post_init__(self) -> None:
        values.check_types(self)
        for name in ("num_blocks", "scales"):
            if len(getattr(self, name)) != 3:
                raise ConfigError(f"{name} needs one value for each of the three stages, got {getattr(self, name)}.")
        for count in self.num_blocks:
            values.check_range("num_blocks", count, 1, MAX_BLOCKS)
        for scale in self.scales:
            values.check_range("scales", scale, 1e-6, 1)
        super().__post_init__()

    @property
    def table(self) -> Layout:
        """The published network, before any change."""
        from resnets.spec.inception import residual_tables  # noqa: PLC0415 - as `_layouts`

        tables_of = {"v1": residual_tables.v1, "v2": residual_tables.v2}
        return tables_of[self.layout](self.num_blocks, self.scales)

    @property
    def summary(self) -> str:
        """The equation of a block."""
        return f"residual blocks y = {self.activation}(x + scale F(x)), F of branches, of the {self.layout} layout"
