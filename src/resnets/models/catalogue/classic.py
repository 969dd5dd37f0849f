"""The classics that residual networks are compared with."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import MLPSpec, Spec

CLASSICS: Mapping[str, Spec] = {
    # [Ioffe 2015, section 4.1]: three hidden layers of 100 sigmoids on MNIST
    "mlp3x100": MLPSpec(in_channels=1, num_classes=10),
    "mlp3x100_bn": MLPSpec(in_channels=1, num_classes=10, batch_norm=True),
    "perceptron": MLPSpec(in_channels=1, num_classes=10, hidden=()),
}
