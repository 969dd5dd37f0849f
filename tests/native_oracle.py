"""What the native kernels are compared with: the same operations of PyTorch in float64, and the same model without."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from resnets.models.build import build
from resnets.native import kernels as kernels_on_tensors
from resnets.native.accelerate import accelerate, restore
from resnets.native.library import status, variants
from resnets.spec import ResNetSpec
from resnets.spec.families import Spec

VARIANTS: list[Any] = [*variants()] or [
    pytest.param("none", marks=pytest.mark.skip(f"no native kernels: {status().reason}"))
]
"""For parametrisation: every variant that this processor runs."""


def dtype_of(variant: str) -> torch.dtype:
    return torch.float64 if variant == "scalar64" else torch.float32


def tolerance(variant: str) -> float:
    """Of the largest value; 5e-6 is the largest error seen in single precision."""
    return 1e-12 if variant == "scalar64" else 2e-5


def error(found: Tensor, wanted: Tensor, scale: Tensor | None = None) -> float:
    """The largest difference, relative to the largest value of `scale` (of what is wanted, if not given)."""
    assert found.shape == wanted.shape
    if not found.numel():
        return 0.0
    found, wanted, scale = (tensor.detach().double() for tensor in (found, wanted, wanted if scale is None else scale))
    return float((found - wanted).abs().max() / scale.abs().max().clamp_min(1e-30))


def random(*shape: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal numbers, the same in any precision; what has four dimensions is laid out channels last."""
    numbers = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return numbers.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else numbers


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


NARROW = ResNetSpec.cifar(8, width=16)


def network(spec: Spec = NARROW) -> nn.Module:
    model: nn.Module = build(spec, seed=0)
    generator = torch.Generator().manual_seed(1)
    for name, tensor in model.state_dict().items():  # no norm and no bias as it starts
        if ("norm" in name or name.endswith(".conv.bias")) and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=generator)
    return accelerate(model)


def images(count: int = 4, height: int = 10, width: int = 13, channels: int = 3) -> Tensor:
    return random(count, channels, height, width, seed=2).requires_grad_()


def step(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The output of a model, all gradients of a weighted sum of it, and the buffers afterwards."""
    model.zero_grad()
    x = x.detach().requires_grad_(x.requires_grad)
    x.grad = None
    y = model(x)
    found = {"output": y.detach()}
    if y.requires_grad:
        (y * random(*y.shape, seed=99, dtype=y.dtype)).sum().backward()
    wanted = {"input": x} | dict(model.named_parameters())
    found |= {name: tensor.grad.clone() for name, tensor in wanted.items() if tensor.grad is not None}
    return found | {name: buffer.clone() for name, buffer in model.named_buffers()}


def assert_as_exact_as_torch(accelerated: nn.Module, x: Tensor) -> None:
    """Output, gradients and buffers of a step are as near to float64 as PyTorch's, up to a small factor."""
    _keep_off_zero(accelerated, x)
    plain = restore(copy.deepcopy(accelerated))
    exact = step(copy.deepcopy(plain).double(), x.detach().double().requires_grad_(x.requires_grad))
    ours, theirs = step(accelerated, x), step(plain, x)
    assert ours.keys() == theirs.keys() == exact.keys()
    for name, wanted in exact.items():
        allowed = max(8 * error(theirs[name], wanted), 2e-5)
        assert error(ours[name], wanted) <= allowed, f"{name}: {error(ours[name], wanted):.1e} > {allowed:.1e}"


def _keep_off_zero(model: nn.Module, x: Tensor) -> None:
    """Move shifts and biases until rounding cannot decide what a ReLU lets through."""
    for _ in range(100):
        if _nearest_to_zero(restore(copy.deepcopy(model)).double(), x.detach().double().requires_grad_()) > 3e-6:
            return
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d | nn.GroupNorm | nn.Conv2d) and layer.bias is not None:
                layer.bias.data += 1e-3
    raise AssertionError("some ReLU's input always lies near zero: use fewer or smaller images")


@torch.no_grad()
def _nearest_to_zero(model: nn.Module, x: Tensor) -> float:
    """Of the inputs of all ReLUs, the smallest, relative to the largest of its layer."""
    found: list[float] = []

    def look(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found.append(float(inputs[0].abs().min() / inputs[0].abs().max()))

    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(look)
    model(x)
    return min(found, default=1.0)


def watch_kernels(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that gets the name of each convolution's kernel as it is called."""
    calls: list[str] = []

    def watched(name: str, run: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def watching(*arguments: Any, **options: Any) -> Tensor:
            calls.append(name)
            return run(*arguments, **options)

        return watching

    for name in ("convolve", "input_gradient", "weight_gradient", "norm_apply"):
        monkeypatch.setattr(kernels_on_tensors, name, watched(name, getattr(kernels_on_tensors, name)))
    return calls
