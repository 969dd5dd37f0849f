"""What a network with auxiliary heads gives out while it is trained; in evaluation there are the logits alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Outputs(NamedTuple):
    """Logits (N, num_classes) of the last head, and of the auxiliary ones on the way to it, from the input on."""

    logits: Tensor
    auxiliary: tuple[Tensor, ...] = ()


def as_outputs(outputs: Tensor | Outputs) -> Outputs:
    """The same for networks with and without auxiliary heads."""
    return outputs if isinstance(outputs, Outputs) else Outputs(outputs)
