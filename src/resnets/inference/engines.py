"""What a network is run by: PyTorch as it is, or a plan of the native kernels."""

from __future__ import annotations

from typing import Literal, get_args

from torch import nn

from resnets.errors import ConfigError, suggestion
from resnets.inference.native.choices import Choices
from resnets.inference.native.network import PlannedNetwork
from resnets.native import library

Engine = Literal["auto", "torch", "native"]
"""`native` measures once on a machine which kernel is the fastest for a convolution, which takes some seconds.
`auto` does not wait for that, and is `torch` where there are no kernels."""


def run_by(engine: Engine, model: nn.Module) -> nn.Module:
    """A network with the model's answers, to be trained no more; the model itself where a plan would gain nothing.

    Raises:
        ConfigError: if there is no such engine, or it does not run here.
    """
    if engine not in get_args(Engine):
        raise ConfigError(f"There is no engine '{engine}'.{suggestion(engine, get_args(Engine))}")
    status = library.status()
    if engine == "native" and status.variant is None:
        raise ConfigError(f"The native engine does not run here: {status.reason}. Take engine auto or torch.")
    has_convolutions = any(isinstance(module, nn.Conv2d) for module in model.modules())
    if engine == "torch" or status.variant is None or not has_convolutions:
        return model
    return PlannedNetwork(model, choices=Choices() if engine == "native" else Choices(measure=None))
