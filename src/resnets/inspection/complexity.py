"""What a network costs: parameters, multiply-adds and activations, counted by running it on a batch of no images.

MACs are multiply-adds of convolutions and linear layers; 1 MAC = 2 FLOPs. Biases, norms, nonlinearities, pooling and
additions count zero, as in the papers. Activations are the numbers that convolutions, max-pools and linear layers put
out for one image, which is what pycls counts [Radosavovic 2020].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call

from resnets.errors import ConfigError
from resnets.models.build import outline
from resnets.models.memory import check_fits
from resnets.models.network import Network
from resnets.spec import Spec

Shape = tuple[int, ...]
"""Sizes without the batch: (channels, height, width), or (classes,)."""
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
"""The layers that share weights between places."""


@dataclass(frozen=True, kw_only=True)
class Complexity:
    """The cost of one image."""

    parameters: int
    """Trainable numbers of what evaluation runs: without auxiliary heads."""
    macs: int
    """Multiply-adds; half the FLOPs."""
    activations: int
    """Numbers put out by convolutions, max-pools and linear layers."""


@dataclass(frozen=True)
class Call:
    """One use of a module."""

    name: str
    module: nn.Module
    input_shape: Shape
    output_shape: Shape

    @property
    def macs(self) -> int:
        """Multiply-adds of this module alone, without those of its children."""
        if isinstance(self.module, CONVOLUTIONS):
            return math.prod(self.output_shape) * self.module.weight[0].numel()
        if isinstance(self.module, nn.Linear):
            return math.prod(self.output_shape) * self.module.in_features
        return 0

    @property
    def activations(self) -> int:
        """Numbers put out, if this is a layer whose output is counted."""
        counted = (*CONVOLUTIONS, nn.MaxPool2d, nn.Linear)
        return math.prod(self.output_shape) if isinstance(self.module, counted) else 0


def complexity(network: Network | Spec, input_shape: Sequence[int]) -> Complexity:
    """Count a network, or the one that a spec describes, for an image of (channels, height, width).

    Raises:
        ConfigError: as `trace`.
    """
    model, calls = trace(network, input_shape)
    return Complexity(
        parameters=num_parameters(model) - num_parameters(model.auxiliary),
        macs=sum(call.macs for call in calls),
        activations=sum(call.activations for call in calls),
    )


def num_parameters(module: nn.Module) -> int:
    """Trainable numbers of a module, frozen ones included."""
    return sum(parameter.numel() for parameter in module.parameters())


def auxiliary_parameters(network: Network | Spec) -> int:
    """Trainable numbers of the heads that only training uses, which no other count holds."""
    if isinstance(network, Network):
        return num_parameters(network.auxiliary)
    return num_parameters(outline(network).auxiliary)


def trace(network: Network | Spec, input_shape: Sequence[int]) -> tuple[Network, list[Call]]:
    """A twin of the network, and every use of one of its modules in one pass, in order of completion.

    The network itself is neither run nor touched. The twin has no weights of its own and is run on a batch of no
    images: every shape is real and nothing is computed. (The meta device would tell the same, but only after torch has
    loaded half of its compiler.)

    Raises:
        ConfigError: if `input_shape` is not three sizes that the network takes, or the network was changed by hand and
            is no longer what its spec says.
        ResourceError: if one layer's weights alone are more than the machine's memory holds.
    """
    spec = network.spec if isinstance(network, Network) else network
    shape = _checked(spec, input_shape)
    twin = outline(spec).eval()
    if isinstance(network, Network):
        _check_same(network, twin)
    calls: list[Call] = []
    for name, module in twin.named_modules():
        module.register_forward_hook(partial(_record, calls, name))
    with torch.no_grad():
        functional_call(twin, _weightless(twin), torch.empty(0, *shape))
    return twin, calls


def _weightless(twin: nn.Module) -> dict[str, Tensor]:
    """A tensor for every parameter and buffer: views of one that is never written, so that it takes no memory."""
    shapes = {name: values.shape for name, values in chain(twin.named_parameters(), twin.named_buffers())}
    largest = max(map(math.prod, shapes.values()))
    check_fits(largest)
    memory = torch.empty(largest)
    return {name: memory[: math.prod(shape)].view(shape) for name, shape in shapes.items()}


def _record(calls: list[Call], name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    calls.append(Call(name, module, tuple(inputs[0].shape[1:]), tuple(output.shape[1:])))


def _checked(spec: Spec, input_shape: Sequence[int]) -> tuple[int, int, int]:
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ConfigError(f"An input shape is channels, height and width, e.g. 3x224x224; got {tuple(input_shape)}.")
    channels, height, width = input_shape
    if problem := spec.input_problem(channels, height, width):
        raise ConfigError(problem)
    return channels, height, width


def _check_same(network: Network, twin: Network) -> None:
    ours = {name: tuple(values.shape) for name, values in network.state_dict().items()}
    described = {name: tuple(values.shape) for name, values in twin.state_dict().items()}
    for name in sorted(ours.keys() | described.keys()):
        if ours.get(name) != described.get(name):
            raise ConfigError(
                f"The network was changed by hand: its {name} is {ours.get(name, 'missing')}, "
                f"by its spec {described.get(name, 'absent')}. Change the spec instead and build it again."
            )
