"""Networks that were deep before the residual network, without it, or by other means."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import FractalNetSpec, HighwaySpec, Spec

RELATIVES: Mapping[str, Spec] = {
    # CIFAR [Srivastava 2015, Table 1]: depths and parameters are the paper's, widths are ours
    "highway19": HighwaySpec(num_blocks=(5, 5, 5), widths=(32, 80, 128), num_classes=10),
    "highway32": HighwaySpec(num_blocks=(10, 9, 9), widths=(32, 48, 64), num_classes=10),
    # CIFAR: the net of [Larsson 2016, section 4], and the narrow ones of Table 3
    "fractalnet20": FractalNetSpec(num_classes=10),
    "fractalnet20_w16": FractalNetSpec(widths=(16, 32, 64, 128, 128), num_classes=10),
    "fractalnet40_w16": FractalNetSpec(columns=4, widths=(16, 32, 64, 128, 128), num_classes=10),
}
