"""Networks side by side: what each costs, sees and takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resnets.inspection.complexity import Shape
from resnets.inspection.latency import Latency, latency
from resnets.inspection.memory import Memory, memory
from resnets.inspection.overview import repeated_complexity
from resnets.inspection.receptive_field import receptive_field
from resnets.recipe import Optimizer
from resnets.spec import Spec
from resnets.values import to_dict


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One network among others."""

    name: str
    depth: int
    """Weight layers on the main path, as the papers count them."""
    input_shape: Shape
    parameters: int
    macs: int
    """Multiply-adds of convolutions and linear layers for one image."""
    activations: int
    """Numbers put out by convolutions, max-pools and linear layers for one image."""
    receptive_field: int | None
    """Pixels, in height and width, that one number before the head can see; None: the whole image."""
    memory: Memory
    latency: Latency | None
    """Of one image; None if it was not measured."""

    @property
    def flops(self) -> int:
        """Additions and multiplications for one image: two for each multiply-add."""
        return 2 * self.macs

    def to_dict(self) -> dict[str, Any]:
        """All figures, ready for JSON; sizes in bytes, times in seconds."""
        sums = {"training": self.memory.training, "inference": self.memory.inference}
        return to_dict(self) | {"flops": self.flops, "memory": to_dict(self.memory) | sums}


def compared(
    name: str, spec: Spec, input_shape: Shape, *, batch_size: int, optimizer: Optimizer = "sgd", timed: bool = False
) -> Compared:
    """Count a network for images of (channels, height, width), and time it if asked to.

    Args:
        name: what it is called.
        spec: what it is.
        input_shape: of one image.
        batch_size: images at once, for the memory alone.
        optimizer: whose state counts among the memory to train it.
        timed: measure the latency as well.

    Raises:
        ConfigError: if the network does not take such images.
    """
    cost = repeated_complexity(spec, input_shape)
    return Compared(
        name=name,
        depth=spec.depth,
        input_shape=input_shape,
        parameters=cost.parameters,
        macs=cost.macs,
        activations=cost.activations,
        receptive_field=receptive_field(spec),
        memory=memory(spec, input_shape, batch_size, optimizer),
        latency=latency(spec, input_shape) if timed else None,
    )
