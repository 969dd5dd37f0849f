"""Operations joined: norms go into convolutions, additions and ReLUs into the step before, pools become one step.

One walk over the recorded graph. Each rule looks at a node and says which operation on which inputs replaces it; the
graph computes the same before and after.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.fx import Graph, Node

from resnets.inference.native.operations import Affine, Convolution, Linear, MaxPool, MeanPool

_aten = torch.ops.aten
Action = Callable[..., Tensor]
Replacement = tuple[Action, tuple[Node, ...]]


def fuse(graph: Graph) -> None:
    """Replace, in place, whatever a rule knows."""
    for node in list(graph.nodes):
        rule = _RULES.get(node.target)
        found = rule(node) if rule else None
        if found:
            with graph.inserting_before(node):
                joined = graph.create_node("call_function", found[0], found[1], name=f"{node.name}_")
            joined.meta.update(node.meta, shares_memory=False)
            node.replace_all_uses_with(joined)
            _erase(graph, node)
    graph.eliminate_dead_code()


def _erase(graph: Graph, node: Node) -> None:
    """The node, and whatever only it read."""
    read = node.all_input_nodes
    graph.erase_node(node)
    for source in read:
        if not source.users and source.op == "call_function":
            _erase(graph, source)


def _convolution(node: Node) -> Replacement | None:
    arguments: Any = node.args
    x, weight, bias, stride, padding, dilation, is_transposed, _, groups = arguments
    if is_transposed or not isinstance(x, Node) or not isinstance(weight, Tensor) or weight.ndim != 4:
        return None
    bias = weight.new_zeros(len(weight)) if bias is None else bias
    if not isinstance(bias, Tensor):
        return None
    stride, padding, dilation = ((pair[0], pair[-1]) for pair in (stride, padding, dilation))
    operation = Convolution(weight=weight, bias=bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return operation, (x,)


def _part(node: Node) -> Replacement | None:
    """The first of what a norm or a max-pool gives; nobody reads the rest."""
    source, place = node.args
    if not isinstance(source, Node) or place != 0:
        return None
    if source.target is _aten.native_batch_norm.default:
        return _norm(source)
    if source.target is _aten.max_pool2d_with_indices.default and len(source.users) == 1:
        return _max_pool(source)
    return None


def _norm(node: Node) -> Replacement | None:
    """With running statistics a norm is x * scale + shift, and a convolution before it takes both in."""
    arguments: Any = node.args
    x, gamma, beta, mean, variance, is_training, _, eps = arguments
    if is_training or node.all_input_nodes != [x] or mean is None:
        return None
    scale = (variance.double() + eps).rsqrt()
    scale = scale if gamma is None else scale * gamma.double()
    shift = -mean.double() * scale
    shift = shift if beta is None else shift + beta.double()
    if _is_free(x, node) and isinstance(x.target, Convolution) and len(x.args) == 1:
        return x.target.scaled(scale, shift), tuple(x.all_input_nodes)
    return Affine(scale=scale.to(mean.dtype), shift=shift.to(mean.dtype)), (x,)


def _add(node: Node) -> Replacement | None:
    """One of the two terms, the later if possible, adds the other to what it writes; both are there by now."""
    terms = [term for term in node.args if isinstance(term, Node)]
    if node.kwargs.get("alpha", 1) != 1 or len(set(terms)) < 2 or len({_shape(term) for term in terms}) > 1:
        return None
    for term, other in itertools.permutations(sorted(terms, reverse=True)):
        if _is_free(term, node) and len(term.args) == 1:
            return cast(Action, term.target), (*term.all_input_nodes, other)
    return None


def _relu(node: Node) -> Replacement | None:
    x = node.args[0]
    if isinstance(x, Node) and _is_free(x, node) and isinstance(x.target, (Convolution, Affine)):
        return x.target.rectified(), cast(tuple[Node, ...], x.args)
    return None


def _is_free(x: Node, reader: Node) -> bool:
    """Whether more can be joined to x: it has not been rectified, and nobody else reads it."""
    return isinstance(x.target, (Convolution, Affine)) and not x.target.relu and list(x.users) == [reader]


def _max_pool(node: Node) -> Replacement | None:
    arguments: Any = node.args
    x, size = arguments[:2]
    defaults: list[Any] = [(), (0, 0), (1, 1), False]
    stride, padding, dilation, ceil_mode = list(arguments[2:]) + defaults[len(arguments) - 2 :]
    sizes = [tuple(pair) or tuple(size) for pair in (size, stride, padding, dilation)]
    if len(_shape(x)) != 4 or any(len(set(pair)) > 1 for pair in sizes) or set(sizes[3]) != {1}:
        return None
    operation = MaxPool(size=sizes[0][0], stride=sizes[1][0], padding=sizes[2][0], ceil_mode=ceil_mode)
    return operation, (x,)


def _mean(node: Node) -> Replacement | None:
    arguments: Any = (*node.args, False)
    x, axes, keeps = arguments[:3]
    if len(_shape(x)) != 4 or sorted(axis % 4 for axis in axes or ()) != [2, 3] or node.kwargs:
        return None
    return MeanPool(keeps=bool(keeps)), (x,)


def _flattened(node: Node) -> Replacement | None:
    """A mean that is kept as one pixel only to be laid flat."""
    x = node.args[0]
    if not isinstance(x, Node) or not isinstance(x.target, MeanPool) or list(x.users) != [node]:
        return None
    return (MeanPool(keeps=False), tuple(x.all_input_nodes)) if _shape(node) == _shape(x)[:2] else None


def _linear(node: Node) -> Replacement | None:
    arguments: Any = node.args
    bias, x, weight = arguments
    are_known = isinstance(bias, Tensor) and bias.ndim == 1 and isinstance(weight, Tensor)
    if not are_known or not isinstance(x, Node) or node.kwargs:
        return None
    return Linear(weight=weight.t(), bias=bias.expand(weight.shape[1])), (x,)


def _shape(x: Node) -> tuple[int, ...]:
    return cast(tuple[int, ...], x.meta["shape"])


_RULES: dict[Any, Callable[[Node], Replacement | None]] = {
    _aten.convolution.default: _convolution,
    operator.getitem: _part,
    _aten.add.Tensor: _add,
    _aten.relu.default: _relu,
    _aten.mean.dim: _mean,
    _aten.reshape.default: _flattened,
    _aten.addmm.default: _linear,
}
