"""Memory for what the steps write: a buffer is used again as soon as nobody reads what is in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.fx import Node

Shape = tuple[int, ...]


def buffers(nodes: Sequence[Node], written: Mapping[Node, Shape]) -> dict[Node, Tensor]:
    """For each node in `written` a tensor of its shape, channels last, in memory that no living one uses."""
    ends = _last_readers(nodes)
    places: dict[Node, int] = {}
    capacities: list[int] = []
    for position, node in enumerate(nodes):
        if node in written:
            taken = {place for other, place in places.items() if ends[other] >= position}
            free = [place for place in range(len(capacities)) if place not in taken]
            places[node] = _place(math.prod(written[node]), free, capacities)
    memory = [torch.empty(capacity) for capacity in capacities]
    return {node: _shaped(memory[place], written[node]) for node, place in places.items()}


def _last_readers(nodes: Sequence[Node]) -> dict[Node, int]:
    """For each node the position of the last that reads it, or reads a view of it."""
    positions = {node: position for position, node in enumerate(nodes)}
    ends: dict[Node, int] = {}
    for node in reversed(nodes):
        readers = [ends[user] if user.meta.get("shares_memory") else _position(user, positions) for user in node.users]
        ends[node] = max(readers, default=positions[node])
    return ends


def _position(node: Node, positions: Mapping[Node, int]) -> int:
    """Behind all others for the graph's output."""
    return positions.get(node, len(positions))


def _place(size: int, free: Sequence[int], capacities: list[int]) -> int:
    """The smallest free buffer that is large enough, else the largest one, enlarged, else a new one."""
    fitting = [place for place in free if capacities[place] >= size]
    if fitting:
        return min(fitting, key=lambda place: capacities[place])
    if free:
        place = max(free, key=lambda place: capacities[place])
        capacities[place] = size
        return place
    capacities.append(size)
    return len(capacities) - 1


def _shaped(memory: Tensor, shape: Shape) -> Tensor:
    numbers = memory[: math.prod(shape)]
    if len(shape) == 4:
        images, channels, height, width = shape
        return numbers.view(images, height, width, channels).permute(0, 3, 1, 2)
    return numbers.view(shape)
