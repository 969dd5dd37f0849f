"""The norm and the pools of every variant against PyTorch in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from native_oracle import VARIANTS, dtype_of, error, random, tolerance
from resnets.native import arena
from resnets.native import kernels as ours
from resnets.native.kernels import Activation, Kernel
from resnets.native.library import kernels

every_variant = pytest.mark.parametrize("variant", VARIANTS)
examples = settings(max_examples=20, deadline=None, derandomize=True, database=None)
panels = st.integers(1, 5).map(lambda count: 16 * count)
rows = st.tuples(st.integers(1, 9), panels, st.integers(1, 40), st.integers(1, 9), st.integers(0, 999))


def statistics(y: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> list[Tensor]:
    """Scale, shift, mean, unbiased variance and 1 / std."""
    y, gamma, beta = y.double(), gamma.double(), beta.double()
    mean, inverse = y.mean((0, 2, 3)), (y.var((0, 2, 3), correction=0) + eps).rsqrt()
    return [gamma * inverse, beta - mean * gamma * inverse, mean, y.var((0, 2, 3)), inverse]


@every_variant
class TestNorm:
    @examples
    @given(shape=rows, offset=st.sampled_from([0.0, 3.0, -100.0]))
    def test_statistics_equal_torch_also_far_from_zero(
        self, variant: str, shape: tuple[int, ...], offset: float
    ) -> None:
        *sizes, seed = shape
        sizes[0] += 8  # of two values the variance may be any small number
        y = random(*sizes, seed=seed, dtype=dtype_of(variant)) + offset
        gamma, beta = (random(sizes[1], seed=seed + i, dtype=y.dtype) for i in (1, 2))
        pivot = torch.full((sizes[1],), offset, dtype=y.dtype)
        functions = kernels(variant)
        sums = ours.channel_sums(functions, y, pivot)
        found = ours.norm_statistics(functions, sums, y.numel() // sizes[1], pivot, gamma, beta, 1e-5)
        wanted = statistics(y, gamma, beta, 1e-5)
        for row, value in zip(found, wanted, strict=True):
            assert error(row, value) < tolerance(variant)

    @examples
    @given(shape=rows, has_residual=st.booleans(), relu=st.booleans())
    def test_apply_is_the_equation(
        self, *, variant: str, shape: tuple[int, ...], has_residual: bool, relu: bool
    ) -> None:
        *sizes, seed = shape
        y, residual = (random(*sizes, seed=seed + i, dtype=dtype_of(variant)) for i in (0, 1))
        scale, shift = (random(sizes[1], seed=seed + i, dtype=y.dtype) for i in (2, 3))
        found = ours.norm_apply(
            kernels(variant), y, Activation(scale, shift), residual if has_residual else None, relu=relu
        )
        wanted = y.double() * scale.double()[:, None, None] + shift.double()[:, None, None]
        wanted = wanted + residual.double() if has_residual else wanted
        assert error(found, wanted.relu() if relu else wanted, scale=wanted) < tolerance(variant)

    @examples
    @given(shape=rows, ending=st.sampled_from(["gate", "relu", "plain"]))
    def test_gradient_equals_torch(self, variant: str, shape: tuple[int, ...], ending: str) -> None:
        *sizes, seed = shape
        sizes[0] += 1
        functions, eps = kernels(variant), 1e-5
        y, dz, residual = (random(*sizes, seed=seed + i, dtype=dtype_of(variant)) for i in range(3))
        gamma, beta = (random(sizes[1], seed=seed + i, dtype=y.dtype) for i in (3, 4))
        count = y.numel() // sizes[1]
        found = ours.norm_statistics(functions, ours.channel_sums(functions, y, None), count, None, gamma, beta, eps)
        activation = Activation(found[0], found[1])
        z = ours.norm_apply(functions, y, activation, residual, relu=True)
        gate, shown = (z, None) if ending == "gate" else (None, activation if ending == "relu" else None)
        sums = ours.norm_backward_sums(functions, dz, y, found[2], gate=gate, activation=shown)
        coefficients = ours.norm_coefficients(functions, sums, count, found)
        dy = torch.full_like(y, torch.nan)
        through = ours.through_norm(y, found, coefficients, dy, gate=gate, relu=ending != "plain")
        ours.norm_gradient(functions, dz, through)
        exact = [tensor.double().requires_grad_() for tensor in (y, gamma, beta)]
        value = functional.batch_norm(exact[0], None, None, exact[1], exact[2], training=True, eps=eps)
        open_ = z > 0 if ending == "gate" else y * found[0][:, None, None] + found[1][:, None, None] > 0
        wanted = torch.autograd.grad(value, exact, dz.double() * (1 if ending == "plain" else open_))
        terms = (dz.abs() * (1 + y.abs())).sum((0, 2, 3))  # what is summed up, and may cancel
        scale = found[0].abs().max() * dz.abs().max() * (1 + y.abs().max())
        assert error(dy, wanted[0], scale=scale) < tolerance(variant)
        assert error(coefficients[2], wanted[1], scale=terms * found[4]) < tolerance(variant)
        assert error(coefficients[3], wanted[2], scale=terms) < tolerance(variant)

    def test_nan_stays_visible(self, variant: str) -> None:
        y = random(2, 16, 5, 5, seed=0, dtype=dtype_of(variant))
        y[0, 3, 2, 2] = torch.nan
        one, zero = torch.ones(16, dtype=y.dtype), torch.zeros(16, dtype=y.dtype)
        functions = kernels(variant)
        assert ours.norm_apply(functions, y, Activation(one, zero), None, relu=True)[0, 3, 2, 2].isnan()
        sums = ours.channel_sums(functions, y, None)
        found = ours.norm_statistics(functions, sums, 50, None, one, zero, 1e-5)
        assert found[:, 3].isnan().sum() == 5 - 1 + 1
        assert not found[:, :3].isnan().any()


@every_variant
class TestPools:
    @examples
    @given(shape=rows, size=st.integers(2, 4), stride=st.integers(1, 3), padding=st.integers(0, 1))
    def test_largest_equals_torch(
        self, variant: str, shape: tuple[int, ...], size: int, stride: int, padding: int
    ) -> None:
        images, channels, height, width, seed = shape
        x = random(images, channels, height + size, width + size, seed=seed, dtype=dtype_of(variant))
        x[0, 0, 0, 0] = torch.nan
        sizes = ours._sizes(tuple(x.shape), channels, Kernel(size, stride, padding))
        y = arena.images(images, channels, sizes.out_height, sizes.out_width, dtype=x.dtype)
        assert not kernels(variant).max_pool(sizes, x.data_ptr(), y.data_ptr())
        assert torch.equal(y.nan_to_num(7), functional.max_pool2d(x, size, stride, padding).nan_to_num(7))

    @examples
    @given(shape=rows)
    def test_mean_equals_torch(self, variant: str, shape: tuple[int, ...]) -> None:
        *sizes, seed = shape
        x = random(*sizes, seed=seed, dtype=dtype_of(variant))
        y = torch.empty(sizes[0], sizes[1], dtype=x.dtype)
        assert not kernels(variant).mean_pool(x.data_ptr(), y.data_ptr(), sizes[0], sizes[2] * sizes[3], sizes[1])
        assert error(y, x.double().mean((2, 3)), scale=x) < tolerance(variant)
