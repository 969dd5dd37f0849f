"""The loss that a training step makes smaller."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from resnets.outputs import Outputs

AUXILIARY_WEIGHT = 0.3
"""Weight of each auxiliary head's loss.      [Szegedy 2014, section 5]"""


def training_loss(outputs: Outputs, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """L(logits) + 0.3 (L(auxiliary 1) + L(auxiliary 2) + ...), with L the mean cross-entropy.

    Shapes:
        logits (N, num_classes), labels (N,) -> ()
    """

    def cross_entropy(logits: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=label_smoothing)

    extra = (AUXILIARY_WEIGHT * cross_entropy(logits) for logits in outputs.auxiliary)
    return sum(extra, start=cross_entropy(outputs.logits))
