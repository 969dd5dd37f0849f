"""What a user asks for, before anything is read or measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from resnets.presets import Patience


@dataclass(frozen=True, kw_only=True)
class Request:
    """A training as it is asked for; None and empty mean: choose for me."""

    dataset: str = "mnist"
    """`mnist`, `fashion-mnist`, `cifar10`, `cifar100`, or a folder of photos in class folders."""
    preset: Patience = "good"
    """How much time for how much accuracy."""
    model: str | None = None
    """A name of `resnets models`; if not said, that of the pretrained weights' config, else the preset's."""
    pretrained: str | None = None
    """Weights to start from: a file, a folder, or `owner/name` on the Hugging Face Hub."""
    data: str | None = None
    """Folder with the files of a named data set."""
    size: int | None = None
    """Height and width that photos are brought to; 64 if not said."""
    resize: Literal["crop", "pad", "stretch"] = "crop"
    """How photos are made square."""
    max_bad: float = 0.0
    """Part of the files that may be unreadable and skipped, e.g. 1%."""
    seconds: float | None = None
    """Train as long as this: 90s, 2m, 1.5h."""
    seed: int = 0
    """Of weights, split, order and augmentation."""
    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: a GPU if there is one."""
    threads: int | None = None
    """Threads of the CPU; one for each core if not said."""
    native: bool = True
    """Use the native kernels where they are faster."""
    network: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the spec that differ from the catalogue's."""
    norm: Mapping[str, Any] = field(default_factory=dict)
    """Settings of its norms."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the recipe that differ from the preset's."""
    augmentation: Mapping[str, Any] = field(default_factory=dict)
    """Settings of its augmentation."""
    views: Mapping[str, Any] = field(default_factory=dict)
    """Settings of test-time augmentation that differ from the preset's."""
