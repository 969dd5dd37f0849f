"""The nonlinearities by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from resnets.spec import Activation

ACTIVATIONS: Mapping[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}
"""Each use is a module of its own, never in place: attribution methods and hooks need every input as it was."""
