"""The steps for images of one shape, with the memory that they work in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.fx import Node

from resnets.inference.native.buffers import Shape, buffers
from resnets.inference.native.choices import Choices
from resnets.inference.native.fusion import fuse
from resnets.inference.native.operations import Affine, Convolution, Linear, MaxPool, MeanPool
from resnets.inference.native.recording import record
from resnets.inference.native.steps import (
    AffineStep,
    ConvolutionStep,
    LinearStep,
    MaxPoolStep,
    MeanPoolStep,
    Step,
    channels_last,
    on_torch,
)
from resnets.native.kernels import PANEL
from resnets.native.library import Kernels


class _Value(NamedTuple):
    """Where a step finds what an earlier one made."""

    place: int


class _Instruction(NamedTuple):
    action: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    place: int
    done_with: tuple[int, ...]
    """Values that nobody reads afterwards."""


class Plan:
    """logits = plan(images), always in the same memory: one call at a time.

    Args:
        model: the network, in evaluation mode.
        shape: of the images that it will be given.
        kernels: to do with what they can.
        choices: how they do convolutions.

    Attributes:
        steps: what does each operation, in their order.

    Raises:
        UnplannableError: as `record`.
    """

    @torch.inference_mode(mode=False)
    def __init__(self, model: nn.Module, shape: tuple[int, ...], kernels: Kernels, choices: Choices) -> None:
        graph = record(model, shape)
        fuse(graph)
        nodes = [node for node in graph.nodes if node.op == "call_function"]
        try:
            actions = {node: _action(node, kernels, choices) for node in nodes}
        finally:
            choices.save()  # also what was measured until somebody lost patience
        written = {node: action.shape for node, action in actions.items() if isinstance(action, Step)}
        memory = buffers(nodes, written)
        places = {node: place for place, node in enumerate(graph.nodes)}
        ends = {source: node for node in nodes for source in node.all_input_nodes}
        self.steps = [actions[node] for node in nodes]
        self._instructions = []
        for node in nodes:
            done_with = tuple(places[source] for source in node.all_input_nodes if ends[source] is node)
            action, arguments, options = actions[node], _placed(node.args, places), _placed(dict(node.kwargs), places)
            if isinstance(action, Step):
                if memory.keys() >= set(node.args):
                    action, arguments = action.on(memory[node], *(memory[source] for source in node.args)), ()
                else:
                    arguments = (memory[node], *arguments)
            self._instructions.append(_Instruction(action, arguments, options, places[node], done_with))
        (self._answer,) = (places[node.args[0]] for node in graph.nodes if node.op == "output")

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """The logits, in memory of their own."""
        values: list[Any] = [None] * (self._answer + 1)
        values[0] = channels_last(images)
        for action, arguments, options, place, done_with in self._instructions:
            values[place] = action(*_found(arguments, values), **_found(options, values))
            for dead in done_with:
                values[dead] = None
        logits: Tensor = values[self._answer]
        return logits.clone(memory_format=torch.contiguous_format)


def _action(node: Node, kernels: Kernels, choices: Choices) -> Callable[..., Any]:
    """What does a node here: a step of ours where there is one, else what the node says."""
    operation: Any = node.target
    if not isinstance(operation, (Convolution, Affine, Linear, MaxPool, MeanPool)):
        return operation  # type: ignore[no-any-return]
    shape, out_shape = node.all_input_nodes[0].meta["shape"], node.meta["shape"]
    if isinstance(operation, Convolution):
        cut = choices.cut(kernels, operation, shape, has_residual=len(node.args) > 1)
        return ConvolutionStep(kernels, operation, shape, cut) if cut else on_torch(operation, shape)
    if shape[1] % PANEL or len(shape) != (2 if isinstance(operation, Linear) else 4):
        return operation
    return _step(operation, kernels, shape[0], out_shape)


def _step(operation: Affine | Linear | MaxPool | MeanPool, kernels: Kernels, images: int, shape: Shape) -> Step:
    """The operation on the kernels, for so many images; `shape` is what comes out."""
    if isinstance(operation, Affine):
        return AffineStep(kernels, operation, shape)
    if isinstance(operation, Linear):
        return LinearStep(kernels, operation, images)
    if isinstance(operation, MaxPool):
        return MaxPoolStep(kernels, operation, shape)
    return MeanPoolStep(kernels, shape)


def _placed(argument: Any, places: dict[Node, int]) -> Any:
    """The argument with places instead of nodes."""
    if isinstance(argument, Node):
        return _Value(places[argument])
    if isinstance(argument, dict):
        return {name: _placed(value, places) for name, value in argument.items()}
    if isinstance(argument, (tuple, list)):
        return (tuple if isinstance(argument, tuple) else list)(_placed(value, places) for value in argument)
    return argument


def _found(argument: Any, values: list[Any]) -> Any:
    """The argument with values instead of places."""
    kind = type(argument)
    if kind is _Value:
        return values[argument.place]
    if kind is tuple or kind is list:
        return [_found(value, values) for value in argument]
    if kind is dict:
        return {name: _found(value, values) for name, value in argument.items()}
    return argument
