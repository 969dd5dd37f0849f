from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx import Graph, Node
from torch.fx.node import map_arg

from resnets.inference.native.fusion import fuse
from resnets.inference.native.operations import Affine, Convolution, Linear, MaxPool, MeanPool
from resnets.inference.native.recording import record


def norm(channels: int) -> nn.BatchNorm2d:
    """A norm with statistics that are not the initial ones."""
    found = nn.BatchNorm2d(channels).eval()
    generator = torch.Generator().manual_seed(channels)
    for tensor in (found.running_mean, found.running_var, found.weight.data, found.bias.data):
        assert tensor is not None
        tensor.copy_(torch.rand(channels, generator=generator) + 0.5)
    return found


def answer(graph: Graph, images: Tensor) -> Tensor:
    """What the graph computes, operation by operation."""
    values: dict[Node, Any] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            values[node] = images
        elif node.op == "output":
            return values[node.args[0]]  # type: ignore[no-any-return]
        else:
            arguments = map_arg((node.args, node.kwargs), values.__getitem__)
            values[node] = node.target(*arguments[0], **arguments[1])
    raise AssertionError


class _Block(nn.Module):
    def __init__(self, combine: Callable[..., Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.combine, self.layers = combine, nn.ModuleDict(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.combine(x, **self.layers)


def conv(in_channels: int = 4, out_channels: int = 4, **options: Any) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, **options)


CASES: dict[str, tuple[nn.Module, list[type]]] = {
    "conv norm relu": (nn.Sequential(conv(bias=False), norm(4), nn.ReLU()), [Convolution]),
    "grouped conv with bias, norm": (nn.Sequential(conv(groups=2), norm(4)), [Convolution]),
    "norm relu conv": (nn.Sequential(norm(4), nn.ReLU(), conv()), [Affine, Convolution]),
    "relu between conv and norm": (nn.Sequential(conv(), nn.ReLU(), norm(4)), [Convolution, Affine]),
    "residual block": (
        _Block(lambda x, a, b, n: (n(b(a(x).relu())) + x).relu(), a=conv(), b=conv(), n=norm(4)),
        [Convolution, Convolution],
    ),
    "projection shortcut": (
        _Block(lambda x, a, b, n: (n(a(x)) + b(x)).relu(), a=conv(), b=conv(), n=norm(4)),
        [Convolution, Convolution],
    ),
    "convolution read twice": (
        _Block(lambda x, a: a(x) + a(x).relu(), a=conv()),
        [Convolution, Convolution],
    ),
    "output kept before its ReLU": (
        _Block(lambda x, a: torch.cat([y := a(x), y.relu()], 1), a=conv()),
        [Convolution, type(torch.ops.aten.relu.default), type(torch.ops.aten.cat.default)],
    ),
    "sum with itself": (
        _Block(lambda x, a: (y := a(x)) + y, a=conv()),
        [Convolution, type(torch.ops.aten.add.Tensor)],
    ),
    "sum over pixels that is broadcast": (
        _Block(lambda x, a: x + a(x.mean((2, 3), keepdim=True)), a=nn.Conv2d(4, 4, 1)),
        [MeanPool, Convolution, type(torch.ops.aten.add.Tensor)],
    ),
    "pools": (
        nn.Sequential(nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AdaptiveAvgPool2d(1)),
        [MaxPool, MeanPool],
    ),
    "head": (
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
        [MeanPool, Linear],
    ),
    "head without bias": (
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3, bias=False)),
        [MeanPool, type(torch.ops.aten.mm.default)],
    ),
    "pixels laid flat": (
        nn.Sequential(conv(), nn.Flatten(), nn.Linear(4 * 7 * 6, 3)),
        [Convolution, type(torch.ops.aten.reshape.default), Linear],
    ),
    "mean that is kept as a pixel as well": (
        _Block(lambda x, a: a((y := x.mean((2, 3), keepdim=True)).flatten(1)) + y.sum(), a=nn.Linear(4, 3)),
        [
            *(MeanPool, type(torch.ops.aten.reshape.default), Linear),
            *(type(torch.ops.aten.sum.default), type(torch.ops.aten.add.Tensor)),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fused_graph_computes_the_same_in_fewer_operations(name: str) -> None:
    model, expected = CASES[name]
    images = torch.randn(2, 4, 7, 6, generator=torch.Generator().manual_seed(1))
    graph = record(model, tuple(images.shape))
    fuse(graph)
    assert [type(node.target) for node in graph.nodes if node.op == "call_function"] == expected
    with torch.no_grad():
        torch.testing.assert_close(answer(graph, images), model(images), rtol=1e-5, atol=1e-5)
