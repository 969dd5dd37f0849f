"""Every convolution of every variant against PyTorch in float64."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from native_oracle import VARIANTS, dtype_of, error, random, tolerance
from resnets.native import kernels as ours
from resnets.native.kernels import Activation, Kernel
from resnets.native.library import Epilogue, Plan, Prologue, kernels

GATHER, WINOGRAD_2, WINOGRAD_4 = 1, 2, 4
OPERATIONS = 2e7
"""Multiply-adds of the largest case: what the slowest variant does in a few hundredths of a second."""

every_variant = pytest.mark.parametrize("variant", VARIANTS)
examples = settings(max_examples=20, deadline=None, derandomize=True, database=None)


@dataclass(frozen=True)
class Case:
    images: int
    in_channels: int
    height: int
    width: int
    out_channels: int
    kernel: Kernel
    plan: tuple[int, int, int, int]
    seed: int

    def tensors(self, variant: str) -> tuple[Tensor, Tensor, Tensor]:
        """x, weight and dy."""
        dtype, size = dtype_of(variant), self.kernel.size
        output = self.kernel.output_size(self.height), self.kernel.output_size(self.width)
        return (
            random(self.images, self.in_channels, self.height, self.width, seed=self.seed, dtype=dtype),
            random(self.out_channels, self.in_channels, size, size, seed=self.seed + 1, dtype=dtype),
            random(self.images, self.out_channels, *output, seed=self.seed + 2, dtype=dtype),
        )


panels = st.integers(1, 5).map(lambda count: 16 * count)


@st.composite
def cases(draw: st.DrawFn, *, few: bool = False) -> Case:
    algorithm = GATHER if few else draw(st.sampled_from([0, GATHER, WINOGRAD_2, WINOGRAD_4]))
    size, stride = (
        (3, draw(st.integers(1, 2)))
        if algorithm in (WINOGRAD_2, WINOGRAD_4)
        else draw(st.sampled_from([(1, 1), (1, 2), (3, 1), (3, 2), (5, 2), (7, 2), (5, 1), (7, 1)]))
    )
    padding = 1 if algorithm in (WINOGRAD_2, WINOGRAD_4) else draw(st.integers(0, size // 2))
    in_channels, out_channels = draw(st.integers(1, 7) if few else panels), draw(panels)
    images = draw(st.one_of(st.integers(1, 4), st.integers(1, 129)))
    pixels = max(1, int(OPERATIONS / (images * in_channels * out_channels * size * size)))
    least = max(1, size - 2 * padding)
    height = draw(st.integers(least, max(least, min(65, pixels))))
    width = draw(st.integers(least, max(least, min(65, pixels // height))))
    tiles, together = draw(st.one_of(st.just(0), st.integers(1, 60))), draw(st.integers(0, 1))
    plan = algorithm, tiles, draw(st.integers(0, 3)), together
    return Case(
        images, in_channels, height, width, out_channels, Kernel(size, stride, padding), plan, draw(st.integers(0, 999))
    )


def convolution(x: Tensor, weight: Tensor, kernel: Kernel) -> Tensor:
    return functional.conv2d(x.double(), weight.double(), stride=kernel.stride, padding=kernel.padding)


def coarse(numbers: Tensor) -> Tensor:
    """Numbers whose products are exact in single precision, so that all agree on which side of zero they lie."""
    return (numbers * 256).round() / 256


def gradient(y: Tensor, source: Tensor, dy: Tensor) -> Tensor:
    return torch.autograd.grad(y, source, dy)[0]


def activation(case: Case, variant: str) -> Activation:
    scale = random(case.in_channels, seed=case.seed + 3, dtype=dtype_of(variant))
    return Activation(scale, random(case.in_channels, seed=case.seed + 4, dtype=dtype_of(variant)))


def activated(x: Tensor, before: Activation | None) -> Tensor:
    if before is None:
        return x.double()
    return (x.double() * before.scale.double()[:, None, None] + before.shift.double()[:, None, None]).relu()


@every_variant
class TestConvolution:
    @examples
    @given(case=cases(), is_activated=st.booleans())
    def test_forward_equals_torch(self, *, variant: str, case: Case, is_activated: bool) -> None:
        x, weight, _ = case.tensors(variant)
        before = activation(case, variant) if is_activated else None
        y = ours.convolve(kernels(variant), x, weight, case.kernel, before=before, plan=Plan(*case.plan))
        assert error(y, convolution(activated(x, before), weight, case.kernel)) < tolerance(variant)

    @examples
    @given(case=cases(few=True))
    def test_forward_of_few_channels_equals_torch(self, variant: str, case: Case) -> None:
        x, weight, _ = case.tensors(variant)
        y = ours.convolve(kernels(variant), x, weight, case.kernel, plan=Plan(*case.plan))
        assert error(y, convolution(x, weight, case.kernel)) < tolerance(variant)

    @pytest.mark.parametrize("kernel", [Kernel(3, 1, 1), Kernel(3, 2, 1), Kernel(1, 1, 0), Kernel(7, 2, 3)])
    @pytest.mark.parametrize("algorithm", [0, GATHER])
    def test_no_images_give_no_outputs_sums_or_gradients(self, variant: str, algorithm: int, kernel: Kernel) -> None:
        case = Case(0, 16, 6, 8, 32, kernel, (algorithm, 0, 0, 0), 0)
        x, weight, dy = case.tensors(variant)
        plan, pivot = Plan(*case.plan), weight.new_zeros(32)
        y, sums = ours.convolve_and_count(kernels(variant), x, weight, kernel, before=None, pivot=pivot)
        assert y.shape == dy.shape
        assert not sums.any()
        assert ours.input_gradient(kernels(variant), dy, weight, tuple(x.shape), kernel, plan=plan).shape == x.shape
        dw = ours.weight_gradient(kernels(variant), x, dy, weight, kernel, plan=plan)
        assert dw.shape == weight.shape
        assert not dw.any()
        packed = ours.pack(kernels(variant), weight, kernel, (0, 16, 6, 8), plan)
        ours.packed_convolution(kernels(variant), x, packed, y, pivot, None, relu=True)()

    @pytest.mark.parametrize("kernel", [Kernel(3, 1, 1), Kernel(3, 2, 1), Kernel(5, 1, 2), Kernel(7, 2, 3)])
    def test_images_of_one_pixel_meet_the_middle_alone(self, variant: str, kernel: Kernel) -> None:
        case = Case(5, 48, 1, 1, 32, kernel, (0, 0, 0, 0), 3)
        x, weight, dy = case.tensors(variant)
        exact, factor = x.double().requires_grad_(), weight.double().requires_grad_()
        wanted = convolution(exact, factor, kernel)
        native = kernels(variant)
        packed = ours.pack(native, weight, kernel, tuple(x.shape), Plan())
        assert packed.filters.numel() == 48 * 32
        y = ours.packed_convolution(native, x, packed, torch.empty_like(dy), weight.new_zeros(32), None, relu=False)()
        assert error(y, wanted) < tolerance(variant)
        assert error(ours.convolve(native, x, weight, kernel), wanted) < tolerance(variant)
        dx = ours.input_gradient(native, dy, weight, tuple(x.shape), kernel)
        assert error(dx, gradient(wanted, exact, dy.double())) < tolerance(variant)
        dw = ours.weight_gradient(native, x, dy, weight, kernel)
        wanted = convolution(exact, factor, kernel)
        assert error(dw, gradient(wanted, factor, dy.double())) < tolerance(variant)

    def test_images_no_larger_than_a_tile_of_f2_take_fewer_products(self, variant: str) -> None:
        native, filters = kernels(variant), 16 * 16
        sizes = {size: ours._sizes((1, 16, size, size), 16, Kernel(3, 1, 1)) for size in (1, 2, 3, 8)}
        found = {size: native.packed_size(one, Plan()) // filters for size, one in sizes.items()}
        assert found == {1: 16, 2: 16, 3: 36, 8: 36}

    @pytest.mark.parametrize(("channels", "size"), [(24, 3), (16, 13)])
    def test_what_there_is_no_kernel_for_is_refused(self, variant: str, channels: int, size: int) -> None:
        with pytest.raises(ValueError, match=f"no kernel for {channels} output channels by {size}x{size} pixels"):
            ours.convolve(
                kernels(variant), torch.zeros(1, 16, 8, 8), torch.zeros(channels, 16, size, size), Kernel(size, 1, 1)
            )

    def test_few_channels_of_lines_longer_than_a_block_equal_torch(self, variant: str) -> None:
        case = Case(2, 3, 9, 401, 16, Kernel(7, 2, 3), (0, 0, 0, 0), 0)
        x, weight, _ = case.tensors(variant)
        y = ours.convolve(kernels(variant), x, weight, case.kernel)
        assert error(y, convolution(x, weight, case.kernel)) < tolerance(variant)

    def test_a_call_computes_what_stands_in_its_memory(self, variant: str) -> None:
        case = Case(2, 16, 9, 7, 32, Kernel(3, 1, 1), (GATHER, 0, 0, 0), 0)
        x, weight, residual = case.tensors(variant)
        plan, bias = Plan(*case.plan), random(32, seed=1, dtype=x.dtype)
        packed = ours.pack(kernels(variant), weight, case.kernel, tuple(x.shape), plan)
        out = torch.empty_like(residual)
        call = ours.packed_convolution(kernels(variant), x, packed, out, bias, residual, relu=True)
        for _ in range(2):
            wanted = (convolution(x, weight, case.kernel) + bias.double()[:, None, None] + residual).relu()
            assert call() is out
            assert error(out, wanted) < tolerance(variant)
            x.mul_(-1)

    @examples
    @given(case=cases(), has=st.tuples(*[st.booleans()] * 4))
    def test_epilogue_adds_bias_and_residual_and_rectifies(
        self, variant: str, case: Case, has: tuple[bool, ...]
    ) -> None:
        x, weight, residual = case.tensors(variant)
        bias = random(case.out_channels, seed=case.seed, dtype=x.dtype) if has[0] else None
        mask = random(*residual.shape, seed=case.seed + 5, dtype=x.dtype) if has[1] and has[2] else None
        after = ours.finish(bias, residual if has[1] else None, relu=has[3], mask=mask)
        y = ours.convolve(kernels(variant), x, weight, case.kernel, after=after, plan=Plan(*case.plan))
        plain = wanted = convolution(x, weight, case.kernel)
        if bias is not None:
            wanted = wanted + bias.double()[:, None, None]
        if has[1]:
            wanted = wanted + residual.double() * (1 if mask is None else mask > 0)
        assert error(y, wanted.relu() if has[3] else wanted, scale=plain) < tolerance(variant)

    @examples
    @given(case=cases(), has_pivot=st.booleans())
    def test_counting_sums_what_is_written(self, *, variant: str, case: Case, has_pivot: bool) -> None:
        x, weight, _ = case.tensors(variant)
        pivot = random(case.out_channels, seed=case.seed, dtype=x.dtype)
        sums = torch.full((2, case.out_channels), torch.nan, dtype=torch.float64)
        after = Epilogue(pivot=pivot.data_ptr() if has_pivot else None, sums=sums.data_ptr())
        y = ours.convolve(kernels(variant), x, weight, case.kernel, after=after, plan=Plan(*case.plan))
        assert error(y, convolution(x, weight, case.kernel)) < tolerance(variant)
        off = y.double() - (pivot.double()[:, None, None] if has_pivot else 0)
        assert error(sums[0], off.sum((0, 2, 3)), scale=off.abs().sum((0, 2, 3))) < tolerance(variant)
        assert error(sums[1], off.square().sum((0, 2, 3))) < tolerance(variant)

    @examples
    @given(case=cases(), has_residual=st.booleans(), has_mask=st.booleans())
    def test_input_gradient_equals_torch(self, *, variant: str, case: Case, has_residual: bool, has_mask: bool) -> None:
        x, weight, dy = case.tensors(variant)
        residual, mask = (random(*x.shape, seed=case.seed + i, dtype=x.dtype) for i in (5, 6))
        after = ours.finish(residual=residual, mask=mask if has_mask else None) if has_residual else None
        dx = ours.input_gradient(
            kernels(variant), dy, weight, tuple(x.shape), case.kernel, after=after, plan=Plan(*case.plan)
        )
        source = x.double().requires_grad_()
        exact = gradient(convolution(source, weight, case.kernel), source, dy.double())
        added = residual.double() * ((mask > 0) if has_mask else 1) if has_residual else 0
        assert error(dx, exact + added) < tolerance(variant)

    @examples
    @given(case=cases(), is_activated=st.booleans(), last=st.booleans())
    def test_weight_gradient_equals_torch(self, *, variant: str, case: Case, is_activated: bool, last: bool) -> None:
        x, weight, dy = case.tensors(variant)
        weight = weight if last else weight.contiguous()
        before = activation(case, variant) if is_activated else None
        dw = ours.weight_gradient(kernels(variant), x, dy, weight, case.kernel, before=before, plan=Plan(*case.plan))
        source = weight.double().requires_grad_()
        exact = gradient(convolution(activated(x, before), source, case.kernel), source, dy.double())
        assert dw.stride() == weight.stride()
        assert error(dw, exact) < tolerance(variant)

    @examples
    @given(case=cases(), relu=st.booleans(), is_gated=st.booleans())
    def test_weight_gradient_makes_the_gradient_through_the_norm(
        self, *, variant: str, case: Case, relu: bool, is_gated: bool
    ) -> None:
        x, weight, dz = case.tensors(variant)
        y, gate, dy = (coarse(random(*dz.shape, seed=case.seed + i, dtype=x.dtype)) for i in (5, 6, 7))
        statistics, coefficients = (
            coarse(random(5, case.out_channels, seed=case.seed + i, dtype=x.dtype)) for i in (8, 9)
        )
        through = ours.through_norm(y, statistics, coefficients, dy, gate=gate if is_gated else None, relu=relu)
        plan = Plan(*case.plan)
        dw = ours.weight_gradient(kernels(variant), x, dz, weight, case.kernel, norm=through, plan=plan)
        scale, shift, slope, offset = (row.double()[:, None, None] for row in (*statistics[:2], *coefficients[:2]))
        is_open = gate > 0 if is_gated else (y.double() * scale + shift > 0) | (not relu)
        wanted = dz.double() * is_open * scale + y.double() * slope + offset
        source = weight.double().requires_grad_()
        exact = gradient(convolution(x, source, case.kernel), source, wanted)
        assert error(dy, wanted) < tolerance(variant)
        assert error(dw, exact) < tolerance(variant)

    @examples
    @given(case=cases())
    def test_input_gradient_is_let_through_and_counted(self, variant: str, case: Case) -> None:
        value, weight, dy = case.tensors(variant)
        value = coarse(value)
        statistics = coarse(random(5, case.in_channels, seed=case.seed + 3, dtype=value.dtype))
        dx, sums = ours.input_gradient_let_through(kernels(variant), dy, weight, case.kernel, value, statistics)
        source = value.double().requires_grad_()
        exact = gradient(convolution(source, weight, case.kernel), source, dy.double())
        scale, shift, mean = (row.double()[:, None, None] for row in statistics[:3])
        assert error(dx, exact * (value.double() * scale + shift > 0), scale=exact) < tolerance(variant)
        terms = torch.stack((dx.double(), dx.double() * (value.double() - mean)))
        assert error(sums, terms.sum((1, 3, 4)), scale=terms.abs().sum((1, 3, 4))) < tolerance(variant)

    @examples
    @given(case=cases(few=True))
    def test_weight_gradient_of_few_channels_equals_torch(self, variant: str, case: Case) -> None:
        x, weight, dy = case.tensors(variant)
        dw = ours.weight_gradient(kernels(variant), x, dy, weight, case.kernel, plan=Plan(*case.plan))
        source = weight.double().requires_grad_()
        exact = gradient(convolution(x, source, case.kernel), source, dy.double())
        assert error(dw, exact) < tolerance(variant)

    @examples
    @given(case=st.one_of(cases(), cases(few=True)))
    def test_packed_weights_give_the_same_bits(self, variant: str, case: Case) -> None:
        x, weight, y = case.tensors(variant)
        functions, plan, sizes = (
            kernels(variant),
            Plan(*case.plan),
            ours._sizes(tuple(x.shape), len(weight), case.kernel),
        )
        packed = torch.empty(functions.packed_size(sizes, plan), dtype=x.dtype)
        assert not functions.pack_weights(sizes, weight.data_ptr(), ours._strides(weight), packed.data_ptr(), plan)
        assert not functions.forward_packed(sizes, x.data_ptr(), packed.data_ptr(), y.data_ptr(), Epilogue(), plan)
        assert torch.equal(y, ours.convolve(functions, x, weight, case.kernel, plan=plan))

    @pytest.mark.parametrize("algorithm", [GATHER, WINOGRAD_2, WINOGRAD_4])
    def test_too_little_memory_is_said(self, variant: str, algorithm: int) -> None:
        one, many = torch.empty(1, 1, 1, 1, dtype=dtype_of(variant)), 1 << 26  # the weights would take 10^17 bytes
        sizes = ours._sizes((1, many, 1, 1), many, Kernel(3, 1, 1))
        arguments = ours._strides(one), one.data_ptr(), Prologue(), Epilogue(), Plan(algorithm, tiles=1)
        assert kernels(variant).forward(sizes, one.data_ptr(), one.data_ptr(), *arguments) == 1
        with pytest.raises(MemoryError, match="use smaller batches or images"):
            ours._check(1)

    @pytest.mark.parametrize("algorithm", [GATHER, WINOGRAD_2, WINOGRAD_4])
    def test_nan_stays_visible(self, variant: str, algorithm: int) -> None:
        x, weight = (
            random(1, 16, 9, 9, seed=0, dtype=dtype_of(variant)),
            random(16, 16, 3, 3, seed=1, dtype=dtype_of(variant)),
        )
        x[0, 3, 4, 4] = torch.nan
        before = Activation(torch.ones(16, dtype=x.dtype), torch.zeros(16, dtype=x.dtype))
        for first in (None, before):
            y = ours.convolve(
                kernels(variant),
                x,
                weight,
                Kernel(3, 1, 1),
                before=first,
                after=ours.finish(relu=True),
                plan=Plan(algorithm),
            )
            assert y[0, :, 3:6, 3:6].isnan().all()
