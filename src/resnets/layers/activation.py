"""The nonlinearities by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from resnets.spec import Activation


class ScaledTanh(nn.Module):
    """y = 1.7159 tanh(2/3 x): f(1) = 1 and f(-1) = -1, most curved there.      [LeCun 1998, appendix A]

    Targets of 1 and -1 so lie within the range, not at its ends, which no weight reaches.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        return 1.7159 * (2 / 3 * x).tanh()


ACTIVATIONS: Mapping[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "scaled_tanh": ScaledTanh,
}
"""Each use is a module of its own, never in place: attribution methods and hooks need every input as it was."""
