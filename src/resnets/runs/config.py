"""One training, fully said: the same config gives the same weights on the same machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from resnets import values
from resnets.data.preprocessing import Resize
from resnets.errors import ConfigError
from resnets.recipe import Recipe
from resnets.spec import ResNetSpec, Spec
from resnets.training.machine import Machine
from resnets.views import Views


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What is trained, on what, how, and on which machine settings."""

    dataset: str = "mnist"
    """`mnist`, `fashion-mnist`, `cifar10`, `cifar100`, or a folder."""
    data: str | None = None
    """Folder of a named data set's files, if they are not in the usual places."""
    size: int | None = None
    """Height and width of photos; None: 64 for folders, the set's own size otherwise."""
    resize: Resize = "crop"
    """How photos are made square."""
    max_bad: float = 0.0
    """Part of the files that may be unreadable and skipped."""
    model: str = "resnet20"
    """Name in the catalogue that the spec started from."""
    spec: Spec = field(default_factory=ResNetSpec)
    """The network."""
    pretrained: str | None = None
    """Weights that it started from."""
    mean: tuple[float, ...] | None = None
    """Of each channel, for normalising, as the pretrained weights know it; None: measured on the training part."""
    std: tuple[float, ...] | None = None
    """As `mean`."""
    recipe: Recipe = field(default_factory=Recipe)
    """The training."""
    views: Views = field(default_factory=Views)
    """What of an image the trained network is shown."""
    seed: int = 0
    """Of weights, split, order and augmentation."""
    machine: Machine = field(default_factory=Machine)
    """Threads, layout, device."""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("max_bad", self.max_bad, 0, 1)
        values.check_range("seed", self.seed, 0, 2**31 - 1)
        if self.size is not None:
            values.check_range("size", self.size, 8, 4096)


def to_yaml(config: RunConfig) -> str:
    """The config as YAML text, in the order of the fields."""
    return yaml.safe_dump(values.to_dict(config), sort_keys=False, allow_unicode=True, width=120)


def read_yaml(path: Path) -> RunConfig:
    """The config that `to_yaml` wrote.

    Raises:
        ConfigError: if the file is missing, is not YAML, or has an unknown or impossible setting.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The config {path} cannot be read: {error}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"The config {path} is not valid YAML: {str(error).splitlines()[0]}.") from error
    try:
        return values.from_dict(RunConfig, data or {}, "config")
    except ConfigError as error:
        raise ConfigError(f"In {path}: {error}") from error
