"""What the spec of every network has."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from resnets import values
from resnets.errors import ConfigError, suggestion

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "scaled_tanh"]
Initialization = Literal[
    "he_normal_fan_out",
    "he_normal_fan_in",
    "he_uniform_fan_out",
    "he_uniform_fan_in",
    "xavier_normal",
    "xavier_uniform",
    "normal",
]

MAX_CHANNELS = 65_536
"""Widest layer that a spec may ask for: 32 times the widest layer of a published ResNet (2048)."""
MAX_CLASSES = 1_000_000
"""Most classes that a spec may ask for; ImageNet-21k has 21,841."""

AnySpec = TypeVar("AnySpec", bound="NetworkSpec")

MAX_BLOCKS = 10_000
"""Most units that a spec may ask for; ResNet-1202 has 600."""
MAX_STAGES = 8
"""Most stages: each halves the image."""


@dataclass(frozen=True, kw_only=True)
class NetworkSpec(ABC):
    """The part of a spec that all families share. Each family names itself in a field `family` of one possible value.

    A family says in properties what follows from its settings: `depth`, `out_channels`, `minimum_size`, `usual_input`.
    """

    in_channels: int = 3
    """Channels of the input image."""
    num_classes: int = 1000
    """Logits per image."""
    initialization: Initialization = "he_normal_fan_out"
    """Distribution of the initial convolution weights.      [He 2015b, section 2.2; Glorot 2010]"""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("in_channels", self.in_channels, 1, MAX_CHANNELS)
        values.check_range("num_classes", self.num_classes, 1, MAX_CLASSES)

    @property
    @abstractmethod
    def depth(self) -> int:
        """Weight layers on the main path as the papers count them."""

    @property
    @abstractmethod
    def out_channels(self) -> int:
        """Channels that the head sees."""

    @property
    @abstractmethod
    def minimum_size(self) -> int:
        """Least height and width of an image, in pixels."""

    @property
    def maximum_size(self) -> int | None:
        """Largest height and width of an image, in pixels, where a classifier of fixed size sets one. None: any."""
        return None

    @property
    @abstractmethod
    def usual_input(self) -> tuple[int, int, int]:
        """The image that the network is usually counted at: (channels, height, width)."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """What its blocks are, in one line."""

    def input_problem(self, channels: int, height: int, width: int) -> str:
        """Why images of this shape cannot be used and what would help, as a sentence; empty if they can."""
        if channels != self.in_channels:
            return f"The network takes images of {_channels(self.in_channels)}, got {_channels(channels)}."
        if min(height, width) < self.minimum_size:
            return self._too_small(height, width)
        if self.maximum_size and max(height, width) > self.maximum_size:
            return (
                f"The network takes images of at most {self.maximum_size}x{self.maximum_size} pixels, "
                f"got {height}x{width}."
            )
        return ""

    def _too_small(self, height: int, width: int) -> str:
        return (
            f"The network needs images of at least {self.minimum_size}x{self.minimum_size} pixels, "
            f"got {height}x{width}."
        )


def replace(spec: AnySpec, **changes: Any) -> AnySpec:
    """The spec with some settings changed.

    Raises:
        ConfigError: if a setting is unknown (with a suggestion), has the wrong type or contradicts another.
    """
    known = {item.name for item in dataclasses.fields(spec)} - {"family"}
    for name in changes:
        if name not in known:
            title = type(spec).__name__.removesuffix("Spec")
            raise ConfigError(
                f"A {title} has no setting '{name}'.{suggestion(name, known)} Known: {', '.join(sorted(known))}."
            )
    return dataclasses.replace(spec, **changes)


def check_num_blocks(num_blocks: tuple[int, ...]) -> None:
    """Refuse numbers of units a stage that no network has.

    Raises:
        ConfigError: with what is possible.
    """
    if not num_blocks:
        raise ConfigError("num_blocks is empty; a network needs at least one stage, e.g. num_blocks=(2, 2, 2, 2).")
    if min(num_blocks) < 1 or sum(num_blocks) > MAX_BLOCKS:
        raise ConfigError(f"num_blocks must be at least 1 a stage and {MAX_BLOCKS} in all, got {num_blocks}.")
    if len(num_blocks) > MAX_STAGES:
        raise ConfigError(
            f"num_blocks has {len(num_blocks)} stages; at most {MAX_STAGES} are possible (each halves the image)."
        )


def check_widths(widths: tuple[int, ...], num_blocks: tuple[int, ...]) -> None:
    """Refuse widths that are impossible, or not one for each stage.

    Raises:
        ConfigError: with what is possible.
    """
    if len(widths) != len(num_blocks):
        entries = "1 entry" if len(widths) == 1 else f"{len(widths)} entries"
        raise ConfigError(f"widths has {entries} for {len(num_blocks)} stages (num_blocks={num_blocks}).")
    for width in widths:
        values.check_range("widths", width, 1, MAX_CHANNELS)


def usual_image(in_channels: int, *, photographs: bool) -> tuple[int, int, int]:
    """ImageNet's image for a network of photographs, else MNIST's for a grey one, else CIFAR's."""
    size = 224 if photographs else 28 if in_channels == 1 else 32
    return in_channels, size, size


def size_before_halving(size: int, times: int) -> int:
    """Least height and width of which strided convolutions leave `size`, each with two pixels to halve."""
    for _ in range(times):
        size = max(2, 2 * size - 1)  # half a pixel is rounded up
    return size


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


ACTIVATIONS: tuple[str, ...] = get_args(Activation)
INITIALIZATIONS: tuple[str, ...] = get_args(Initialization)
