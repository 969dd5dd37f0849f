"""A chain with its gradient, against the same operations of PyTorch, in single and in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from native_oracle import VARIANTS, dtype_of, error, random, tolerance
from resnets.native import chain
from resnets.native.chain import Convolution, Norm
from resnets.native.kernels import Kernel
from resnets.native.library import kernels

SAME = Kernel(3, 1, 1)
EPS = 1e-3
CHAINS = {
    "one": ([16, 32], [SAME]),
    "basic": ([16, 16, 16], [SAME, SAME]),
    "bottleneck": ([32, 16, 16, 32], [Kernel(1, 1, 0), SAME, Kernel(1, 1, 0)]),
    "strided": ([16, 32, 32], [Kernel(3, 2, 1), SAME]),
    "mixed": ([16, 16, 32], [SAME, Kernel(5, 2, 2)]),
    "few channels": ([3, 16, 16], [SAME, Kernel(3, 2, 1)]),
}

every_variant = pytest.mark.parametrize("variant", VARIANTS)
every_chain = pytest.mark.parametrize("name", CHAINS)


def parameters(name: str, dtype: torch.dtype) -> list[Tensor]:
    """Weight, gamma and beta of each convolution."""
    widths, kernels_ = CHAINS[name]
    found: list[Tensor] = []
    for i, kernel in enumerate(kernels_):
        weight = random(widths[i + 1], widths[i], kernel.size, kernel.size, seed=3 * i, dtype=dtype)
        found.append(weight / (widths[i] * kernel.size**2) ** 0.5)
        found += [1 + 0.2 * random(widths[i + 1], seed=3 * i + j, dtype=dtype) for j in (1, 2)]
    return found


def subsampled(x: Tensor, like: Tensor, step: int) -> Tensor:
    """Every step-th pixel of x, with zeros for the channels that it does not have."""
    channels = torch.zeros(len(x), len(like) - x.shape[1], *x.shape[2:], dtype=x.dtype)
    return torch.cat((x, channels), 1)[..., ::step, ::step].contiguous(memory_format=torch.channels_last)


def on_torch(name: str, x: Tensor, shortcut: Tensor | None, tensors: Sequence[Tensor], *, relu: bool) -> Tensor:
    for i, kernel in enumerate(CHAINS[name][1]):
        weight, gamma, beta = tensors[3 * i : 3 * i + 3]
        x = functional.conv2d(x.relu() if i else x, weight, stride=kernel.stride, padding=kernel.padding)
        x = functional.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)
    x = x if shortcut is None else x + shortcut
    return x.relu() if relu else x


class OnKernels(torch.autograd.Function):
    """The chain of a variant, as PyTorch differentiates functions."""

    @staticmethod
    def forward(
        ctx: Any,
        variant: str,
        name: str,
        relu: bool,  # noqa: FBT001  # autograd's functions take no names
        identity: int,
        x: Tensor,
        shortcut: Tensor | None,
        *tensors: Tensor,
    ) -> Tensor:
        convolutions = list(map(Convolution, tensors[::3], CHAINS[name][1]))
        pivots = [0.1 * gamma for gamma in tensors[1::3]]
        norms = [Norm(*norm, EPS) for norm in zip(tensors[1::3], tensors[2::3], pivots, strict=True)]
        added = subsampled(x, tensors[-1], identity) if identity else shortcut
        z, ctx.traces = chain.forward(kernels(variant), convolutions, norms, x.detach(), added, relu=relu)
        ctx.z, ctx.convolutions, ctx.settings = (
            z if added is not None else None,
            convolutions,
            (variant, relu, identity),
        )
        ctx.has_shortcut = shortcut is not None
        return z.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        variant, relu, identity = ctx.settings
        dz = gradients[0].contiguous(memory_format=torch.channels_last)
        wants = [True] * (len(ctx.convolutions) + 1)
        dx, found = chain.backward(
            kernels(variant), ctx.convolutions, ctx.traces, dz, ctx.z, relu=relu, identity=identity, wants=wants
        )
        of_shortcut = dz * (ctx.z > 0) if relu and ctx.has_shortcut else dz if ctx.has_shortcut else None
        rows = [tensor for one in found for tensor in (one.weight, one.norm[2], one.norm[3])]
        return None, None, None, None, dx, of_shortcut, *rows


def case(name: str, ending: str, variant: str) -> tuple[Tensor, Tensor | None, list[Tensor], int]:
    """x, shortcut, parameters, and of which step's pixels of x the shortcut is; 0 if it is not."""
    dtype = dtype_of(variant)
    x, tensors = random(3, CHAINS[name][0][0], 6, 5, seed=7, dtype=dtype), parameters(name, dtype)
    shape = on_torch(name, x, None, tensors, relu=False).shape
    step = x.shape[2] // shape[2]
    identity = step if ending == "identity" and (step > 1 or shape == x.shape) else 0
    shortcut = random(*shape, seed=8, dtype=dtype) if ending == "projection" else None
    return x, shortcut, tensors, identity


@every_variant
@every_chain
@pytest.mark.parametrize("ending", ["alone", "identity", "projection"])
@pytest.mark.parametrize("relu", [True, False])
def test_output_and_gradients_equal_torch(*, variant: str, name: str, ending: str, relu: bool) -> None:
    x, shortcut, tensors, identity = case(name, ending, variant)
    leaves = [x, *([shortcut] if shortcut is not None else []), *tensors]
    ours, exact = ([leaf.detach().to(dtype).requires_grad_() for leaf in leaves] for dtype in (x.dtype, torch.float64))

    def parts(own: list[Tensor]) -> tuple[Tensor, Tensor | None, list[Tensor]]:
        return own[0], own[1] if shortcut is not None else None, own[-len(tensors) :]

    first, second, rest = parts(ours)
    z: Tensor = OnKernels.apply(variant, name, relu, identity, first, second, *rest)  # type: ignore[no-untyped-call]
    first, second, rest = parts(exact)
    second = subsampled(first, rest[-1], identity) if identity else second
    wanted = on_torch(name, first, second, rest, relu=relu)
    assert error(z, wanted) < tolerance(variant)
    dz = random(*z.shape, seed=9, dtype=z.dtype)
    gradients, exact_gradients = torch.autograd.grad(z, ours, dz), torch.autograd.grad(wanted, exact, dz.double())
    largest = max(gradient.abs().max() for gradient in exact_gradients)
    for mine, theirs in zip(gradients, exact_gradients, strict=True):
        scale = torch.maximum(theirs.abs().max(), largest / 100)
        assert error(mine, theirs, scale=scale) < 5 * tolerance(variant)


@pytest.mark.usefixtures("native_kernels")
@pytest.mark.parametrize(
    ("name", "ending"),
    [("basic", "identity"), ("strided", "identity"), ("strided", "projection"), ("bottleneck", "alone")],
)
def test_gradients_are_the_derivatives(name: str, ending: str) -> None:
    x, shortcut, tensors, identity = case(name, ending, "scalar64")
    leaves = [x[:2, :, :3, :3], *([shortcut] if shortcut is not None else []), *tensors]
    shape = on_torch(name, leaves[0], None, tensors, relu=False).shape
    if shortcut is not None:
        leaves[1] = shortcut[: shape[0], :, : shape[2], : shape[3]]
    leaves = [leaf.detach().clone(memory_format=torch.contiguous_format).requires_grad_() for leaf in leaves]

    def run(*own: Tensor) -> Tensor:
        first = own[0].contiguous(memory_format=torch.channels_last)
        second = own[1].contiguous(memory_format=torch.channels_last) if shortcut is not None else None
        return OnKernels.apply("scalar64", name, True, identity, first, second, *own[-len(tensors) :])  # type: ignore[no-any-return, no-untyped-call]

    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)


@pytest.mark.usefixtures("native_kernels")
def test_only_the_gradients_asked_for_are_computed() -> None:
    x, _, tensors, _ = case("basic", "alone", "scalar")
    convolutions = list(map(Convolution, tensors[::3], CHAINS["basic"][1]))
    norms = [Norm(gamma, beta, beta, EPS) for gamma, beta in zip(tensors[1::3], tensors[2::3], strict=True)]
    z, traces = chain.forward(kernels("scalar"), convolutions, norms, x, None, relu=True)
    options: dict[str, Any] = {"relu": True, "identity": 0}
    dx, found = chain.backward(kernels("scalar"), convolutions, traces, z, None, wants=[False, False, True], **options)
    assert dx is None
    assert [one.weight is None for one in found] == [True, False]


@pytest.mark.parametrize(("name", "expected"), [("bottleneck", [True, True]), ("mixed", [False])])
@pytest.mark.usefixtures("native_kernels")
def test_only_outputs_before_their_norms_are_kept(name: str, expected: list[bool]) -> None:
    """PyTorch's convolutions read what was normalised; ours normalise as they read."""
    x, _, tensors, _ = case(name, "alone", "scalar")
    convolutions = list(map(Convolution, tensors[::3], CHAINS[name][1]))
    norms = [Norm(gamma, beta, beta, EPS) for gamma, beta in zip(tensors[1::3], tensors[2::3], strict=True)]
    _, traces = chain.forward(kernels("scalar"), convolutions, norms, x, None, relu=True)
    assert traces[0].read is x
    assert [trace.read is None for trace in traces[1:]] == expected
