"""The receptive field: how many pixels of the image one number before the head can see.

It is read off the graph that autograd records, whatever its branches: the pixels that output 0 of a layer reads are an
interval, and the intervals of all paths are joined, from the last feature back to the image. With a convolution of
kernel k, stride s, padding p and dilation d the outputs a to b read the inputs

    s a - p   to   s b - p + d (k - 1)                                    [Araujo 2019, section 2]

so that one output grows by (k - 1) d at every layer, in steps of the layers' input, and by nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd.graph import Node

from resnets.models.build import outline
from resnets.spec import Spec

Span: TypeAlias = tuple[int, int]
"""The first and the last place along one axis of the image; before 0 and behind its end is padding."""
Place: TypeAlias = tuple[Span, Span]
"""A rectangle: rows and columns."""


class _WholeImageError(Exception):
    """A layer looks at the whole image at once, so there is no number to tell."""


def receptive_field(spec: Spec) -> int | None:
    """Height of the square of pixels that one number before the head depends on; the greater side if it is no square.

    None if the whole image is seen whatever its size: a linear layer or a global pool stands before the head, as in
    squeeze-and-excitation. The statistics of norms are not counted as seeing. What reaches beyond the image counts.
    """
    image, features = _features(spec)
    if features.grad_fn is None or features.ndim != 4:
        return None
    try:
        places = _places(features.grad_fn)
    except _WholeImageError:
        return None
    return max(last - first + 1 for first, last in places[image])


def _features(spec: Spec) -> tuple[Node, Tensor]:
    """The node of the image in the graph, and what the last unit puts out; nothing is computed."""
    model = outline(spec).eval().requires_grad_(requires_grad=False)
    images = torch.empty(1, *spec.usual_input, device="meta", requires_grad=True)
    features: Tensor = model.stem(images)
    for _, unit in model.blocks():  # not the stages: a reversible one is a single node, which tells nothing
        features = unit(features)
    return torch.autograd.graph.get_gradient_edge(images).node, features


def _places(top: Node) -> dict[Node, Place]:
    """What place 0 of a node's output sees of the output of every node below it, down to the image."""
    places: dict[Node, Place] = {top: ((0, 0), (0, 0))}
    for node in _downwards(top):
        read = READS.get(node.name().rstrip("0123456789"), _same)(node, places[node])
        for source, _ in node.next_functions:
            if source is not None:
                places[source] = _joined(read, places.get(source, read))
    return places


def _downwards(top: Node) -> Iterator[Node]:
    """Every node, none before all that read from it."""
    readers: dict[Node, int] = {top: 0}
    found = [top]
    for node in found:
        for source, _ in node.next_functions:
            if source is not None:
                if source not in readers:
                    found.append(source)
                readers[source] = readers.get(source, 0) + 1
    ready = [top]
    while ready:
        node = ready.pop()
        yield node
        for source, _ in node.next_functions:
            if source is not None:
                readers[source] -= 1
                if not readers[source]:
                    ready.append(source)


def _joined(one: Place, other: Place) -> Place:
    (top, left), (upper, outer) = one, other
    return (min(top[0], upper[0]), max(top[1], upper[1])), (min(left[0], outer[0]), max(left[1], outer[1]))


def _same(node: Node, place: Place) -> Place:  # noqa: ARG001  # one signature for all kinds of layers
    """Pixel by pixel."""
    return place


def _convolution(node: Any, place: Place) -> Place:
    return _window(node, node._saved_weight.shape[2:], node._saved_dilation, place)


def _max_pool(node: Any, place: Place) -> Place:
    return _window(node, node._saved_kernel_size, node._saved_dilation, place)


def _average_pool(node: Any, place: Place) -> Place:
    return _window(node, node._saved_kernel_size, (1, 1), place)


def _window(node: Any, kernel: tuple[int, ...], dilation: tuple[int, ...], place: Place) -> Place:
    (top, bottom), (left, right) = place
    steps, padding = node._saved_stride or kernel, node._saved_padding
    rows, columns = (reach * (size - 1) for reach, size in zip(dilation, kernel, strict=True))
    return (
        (steps[0] * top - padding[0], steps[0] * bottom - padding[0] + rows),
        (steps[1] * left - padding[1], steps[1] * right - padding[1] + columns),
    )


def _slice(node: Any, place: Place) -> Place:
    first, step = node._saved_start, node._saved_step
    rows, columns = ((step * place[axis][0] + first, step * place[axis][1] + first) for axis in (0, 1))
    return {2: (rows, place[1]), 3: (place[0], columns)}.get(node._saved_dim, place)


def _padding(node: Any, place: Place) -> Place:
    left, _, top, _ = (*node._saved_pad, 0, 0, 0, 0)[:4]
    return (place[0][0] - top, place[0][1] - top), (place[1][0] - left, place[1][1] - left)


def _mean(node: Any, place: Place) -> Place:
    dimensions = len(node._saved_self_sym_sizes)
    signed = (axis - (axis >> 63 << 64) for axis in node._saved_dim)  # autograd tells -1 as 2**64 - 1
    if {axis % dimensions for axis in signed} & {2, 3}:
        raise _WholeImageError
    return place


def _everything(node: Node, place: Place) -> Place:  # noqa: ARG001  # as `_same`
    raise _WholeImageError


READS: Mapping[str, Callable[[Any, Place], Place]] = {
    "ConvolutionBackward": _convolution,
    "MaxPool2DWithIndicesBackward": _max_pool,
    "AvgPool2DBackward": _average_pool,
    "SliceBackward": _slice,
    "ConstantPadNdBackward": _padding,
    "MeanBackward": _mean,
    "AdaptiveAvgPool2DBackward": _everything,
    "AdaptiveMaxPool2DBackward": _everything,
}
"""The kinds of nodes whose output reads other places of its input, by autograd's names; all others work in place."""
