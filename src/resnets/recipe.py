"""How a network is trained: frozen values, one docstring and one unit per setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from resnets import values
from resnets.errors import ConfigError

Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["one_cycle", "cosine", "multi_step", "constant"]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of a training image, drawn anew for each (seed, epoch, sample); all zero means none."""

    shift: float = 0.0
    """Largest shift in each direction, in pixels; whole pixels unless the image is also rotated, scaled, sheared
    or bent."""
    rotate: float = 0.0
    """Largest rotation either way, in degrees."""
    scale: float = 0.0
    """Largest change of size either way, as a fraction: 0.1 is from 90 % to 110 %."""
    shear: float = 0.0
    """Largest shear either way, in degrees."""
    elastic: float = 0.0
    """Largest displacement of the points that bend the image, in pixels; others move about a quarter.  [Simard 2003]"""
    flip: bool = False
    """Mirror left and right half of the time; never for digits or letters."""
    erase: int = 0
    """Side of the square that is blanked, in pixels.      [DeVries 2017, section 3.2]"""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("shift", self.shift, 0, 1000)
        values.check_range("rotate", self.rotate, 0, 180)
        values.check_range("scale", self.scale, 0, 0.9)
        values.check_range("shear", self.shear, 0, 60)
        values.check_range("elastic", self.elastic, 0, 1000)
        values.check_range("erase", self.erase, 0, 1000)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained; equal recipes and seeds give equal weights on one machine."""

    epochs: float = 10.0
    """Passes over the training set, without what `prune` leaves out; a fraction is allowed."""
    batch_size: int = 128
    """Images per step."""
    optimizer: Optimizer = "sgd"
    """`sgd` with Nesterov momentum, or `adamw`."""
    learning_rate: float = 0.1
    """Largest step size of the schedule."""
    momentum: float = 0.9
    """Nesterov momentum of sgd; beta 1 of adamw."""
    weight_decay: float = 5e-4
    """L2 pull on weights; norms and biases are left alone."""
    schedule: Schedule = "one_cycle"
    """After the warm-up: `one_cycle` straight down to zero, `cosine` half a cosine, `multi_step` divided by 10 at
    milestones, `constant`."""
    warmup: float = 0.2
    """Part of the training in which the learning rate rises from a tenth of its largest value."""
    milestones: tuple[float, ...] = (0.5, 0.75)
    """Parts of the training after which `multi_step` divides the learning rate by 10.    [He 2015, section 4.2]"""
    label_smoothing: float = 0.0
    """Probability moved from the true class to all classes evenly.    [Szegedy 2015, section 7]"""
    ema_decay: float = 0.0
    """Weight of the old value, per step, in the moving average of the weights, which is what is kept. 0: no average."""
    clip_norm: float = 0.0
    """Largest gradient norm; a longer gradient is shortened to it. 0: no limit."""
    accumulate: int = 1
    """Batches whose gradients are averaged into one step."""
    prune: float = 0.0
    """Part of the training images that each epoch leaves out, drawn from those with the lowest losses. 0: none.
    [Qin 2024]"""
    augmentation: Augmentation = field(default_factory=Augmentation)
    """Random changes of the training images."""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("epochs", self.epochs, 0.001, 100_000)
        values.check_range("batch_size", self.batch_size, 1, 1_000_000)
        values.check_range("learning_rate", self.learning_rate, 0, 1000)
        values.check_range("momentum", self.momentum, 0, 0.9999)
        values.check_range("weight_decay", self.weight_decay, 0, 10)
        values.check_range("warmup", self.warmup, 0, 1)
        values.check_range("label_smoothing", self.label_smoothing, 0, 0.999)
        values.check_range("ema_decay", self.ema_decay, 0, 0.999999)
        values.check_range("clip_norm", self.clip_norm, 0, 1e9)
        values.check_range("accumulate", self.accumulate, 1, 100_000)
        values.check_range("prune", self.prune, 0, 0.75)
        if list(self.milestones) != sorted(set(self.milestones)) or any(not 0 < part < 1 for part in self.milestones):
            raise ConfigError(
                f"milestones must rise and lie between 0 and 1 (parts of the training), got {self.milestones}."
            )
        if self.schedule == "multi_step" and self.milestones and self.warmup > self.milestones[0]:
            raise ConfigError(f"warmup={self.warmup} would still rise after the first milestone, {self.milestones[0]}.")
