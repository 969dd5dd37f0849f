"""The operations as PyTorch knows them: their gradients, their shapes, and what compilers ask of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from native_oracle import error, random
from resnets.native import operators
from resnets.native.chain import Convolution, Norm
from resnets.native.kernels import Kernel

pytestmark = pytest.mark.usefixtures("native_kernels")

SAME, HALF, POINT = Kernel(3, 1, 1), Kernel(3, 2, 1), Kernel(1, 1, 0)


def chain_arguments(
    *kernels: Kernel, channels: int = 16, identity: bool = False, shortcut: bool = False, relu: bool = True
) -> tuple[Any, ...]:
    """Of the operator resnets::chain."""
    x = random(2, channels, 6, 6, seed=0)
    weights = [
        (random(16, 16 if i else channels, kernel.size, kernel.size, seed=i + 1) / 12).contiguous()
        for i, kernel in enumerate(kernels)
    ]
    norms = [
        tensor
        for i in range(len(kernels))
        for tensor in (random(16, seed=i + 5), random(16, seed=i + 6), torch.zeros(16))
    ]
    pixels = 3 if HALF in kernels else 6
    added = random(2, 16, pixels, pixels, seed=9) if shortcut else None
    settings = [
        int(identity),
        int(relu),
        *(n for kernel in kernels for n in (kernel.size, kernel.stride, kernel.padding)),
    ]
    leaves = [
        x,
        *weights,
        *(tensor for i, tensor in enumerate(norms) if i % 3 < 2),
        *([] if added is None else [added]),
    ]
    for leaf in leaves:
        leaf.requires_grad_()
    return x, added, weights, norms, settings, [1e-5] * len(kernels)


EXAMPLES = {
    "one": chain_arguments(SAME),
    "of an image": chain_arguments(SAME, SAME, channels=3),
    "identity": chain_arguments(SAME, SAME, identity=True),
    "shortcut": chain_arguments(HALF, SAME, shortcut=True),
    "without relu": chain_arguments(POINT, SAME, POINT, shortcut=True, relu=False),
}


class TestChain:
    @pytest.mark.parametrize("name", EXAMPLES)
    def test_keeps_the_rules_of_operators(self, name: str) -> None:
        example = torch.utils._pytree.tree_map_only(Tensor, Tensor.detach, EXAMPLES[name])
        torch.library.opcheck(torch.ops.resnets.chain.default, example, test_utils=("test_schema", "test_faketensor"))

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_backward_keeps_the_rules_of_operators(self, name: str) -> None:
        x, added, weights, _, settings, _ = arguments = EXAMPLES[name]
        with torch.no_grad():
            z, *stored = torch.ops.resnets.chain(*arguments)
        gate = z if settings[1] and (settings[0] or added is not None) else None
        for wants in ([True] * (len(weights) + 1), [False] * len(weights) + [True]):
            example = (
                random(*z.shape, seed=3),
                x.detach(),
                gate,
                [w.detach() for w in weights],
                stored,
                settings,
                wants,
            )
            torch.library.opcheck(
                torch.ops.resnets.chain_backward.default, example, test_utils=("test_schema", "test_faketensor")
            )

    @pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # the compiler does it
    def test_gradient_is_the_same_when_ahead_of_time_compiled(self) -> None:
        x, _, weights, norms, _, _ = chain_arguments(SAME, SAME, identity=True)
        leaves = [x, *weights, norms[0], norms[4]]

        def run() -> Tensor:
            links = [Norm(norms[3 * i], norms[3 * i + 1], norms[3 * i + 2], 1e-5) for i in range(2)]
            convolutions = [Convolution(weight, SAME) for weight in weights]
            return operators.run_chain(x, None, convolutions, links, identity=1, relu=True)[0].square().sum()

        plain = torch.autograd.grad(run(), leaves)
        torch._dynamo.reset()
        compiled = torch.autograd.grad(torch.compile(run, backend="aot_eager", fullgraph=True)(), leaves)
        for mine, theirs in zip(compiled, plain, strict=True):
            assert torch.equal(mine, theirs)

    @pytest.mark.parametrize("wanted", range(1, 2**5))
    def test_any_subset_of_gradients_may_be_asked_for(self, wanted: int) -> None:
        x, _, weights, norms, _, _ = chain_arguments(SAME, SAME, identity=True)
        leaves = [x, *weights, norms[0], norms[4]]
        convolutions = [Convolution(weight, SAME) for weight in weights]
        links = [Norm(norms[3 * i], norms[3 * i + 1], norms[3 * i + 2], 1e-5) for i in range(2)]

        def gradients(asked: list[Tensor]) -> dict[int, Tensor]:
            for leaf in (x, *weights, *norms[:2], *norms[3:5]):
                leaf.requires_grad_(any(leaf is other for other in asked))
                leaf.grad = None
            z, _ = operators.run_chain(x, None, convolutions, links, identity=1, relu=True)
            z.square().sum().backward()  # type: ignore[no-untyped-call]
            return {i: leaf.grad for i, leaf in enumerate(leaves) if leaf.grad is not None}

        everything = gradients(leaves)
        asked = [leaf for i, leaf in enumerate(leaves) if wanted >> i & 1]
        found = gradients(asked)
        assert len(found) == len(asked)
        for i, gradient in found.items():
            assert torch.equal(gradient, everything[i])

    def test_a_second_derivative_is_refused_rather_than_wrong(self) -> None:
        x, _, weights, norms, _, _ = chain_arguments(SAME)
        link = Norm(norms[0], norms[1], norms[2], 1e-5)
        z, _ = operators.run_chain(x, None, [Convolution(weights[0], SAME)], [link], identity=0, relu=True)
        (first,) = torch.autograd.grad(z.square().sum(), x, create_graph=True)
        with pytest.raises(RuntimeError, match="once_differentiable"):
            first.sum().backward()


CONVOLUTIONS = {
    "plain": (random(16, 32, 3, 3, seed=1), None, False),
    "bias": (random(16, 32, 3, 3, seed=1), random(16, seed=2), False),
    "relu": (random(16, 32, 1, 1, seed=1), None, True),
    "both": (random(16, 32, 3, 3, seed=1), random(16, seed=2), True),
}
"""Weight, bias, and whether there is a ReLU."""


def leaves(*tensors: Tensor | None, dtype: torch.dtype = torch.float32) -> list[Tensor | None]:
    return [None if tensor is None else tensor.detach().to(dtype).clone().requires_grad_() for tensor in tensors]


def convolve(tensors: list[Tensor | None], stride: int, *, relu: bool) -> Tensor:
    x, weight, bias = tensors
    assert x is not None
    assert weight is not None
    return operators.convolution(x, weight, bias, stride, relu=relu)


@pytest.mark.parametrize("name", CONVOLUTIONS)
class TestConvolution:
    x = random(2, 32, 5, 7, seed=0)

    @pytest.mark.parametrize("stride", [1, 2])
    def test_keeps_the_rules_of_operators(self, name: str, stride: int) -> None:
        weight, bias, relu = CONVOLUTIONS[name]
        torch.library.opcheck(
            torch.ops.resnets.convolution.default,
            (self.x, weight, bias, stride, relu),
            test_utils=("test_schema", "test_faketensor"),
        )

    @pytest.mark.parametrize("wants", [[True, True, True], [True, False, False], [False, True, False]])
    def test_backward_keeps_the_rules_of_operators(self, name: str, wants: list[bool]) -> None:
        weight, _, relu = CONVOLUTIONS[name]
        y, dy = random(2, 16, 3, 4, seed=3), random(2, 16, 3, 4, seed=4)
        torch.library.opcheck(
            torch.ops.resnets.convolution_backward.default,
            (dy, self.x, weight, y if relu else None, 2, wants),
            test_utils=("test_schema", "test_faketensor"),
        )

    @pytest.mark.parametrize("stride", [1, 2])
    def test_equals_torch_with_its_gradients(self, name: str, stride: int) -> None:
        weight, bias, relu = CONVOLUTIONS[name]
        ours, exact = leaves(self.x, weight, bias), leaves(self.x, weight, bias, dtype=torch.float64)
        y = convolve(ours, stride, relu=relu)
        assert exact[0] is not None
        assert exact[1] is not None
        wanted = functional.conv2d(exact[0], exact[1], exact[2], padding=weight.shape[2] // 2, stride=stride)
        wanted = wanted.relu() if relu else wanted
        for z in (y, wanted):
            z.backward(random(*z.shape, seed=3, dtype=z.dtype))  # type: ignore[no-untyped-call]
        assert error(y, wanted) < 2e-5
        for mine, theirs in zip(ours, exact, strict=True):
            if mine is not None and theirs is not None:
                assert mine.grad is not None
                assert theirs.grad is not None
                assert error(mine.grad, theirs.grad) < 2e-5

    @pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # the compiler does it
    def test_gradient_is_the_same_when_ahead_of_time_compiled(self, name: str) -> None:
        weight, bias, relu = CONVOLUTIONS[name]
        tensors = leaves(self.x, weight, bias)
        given = [tensor for tensor in tensors if tensor is not None]

        def run() -> Tensor:
            return convolve(tensors, 1, relu=relu).square().sum()

        plain = torch.autograd.grad(run(), given)
        torch._dynamo.reset()
        compiled = torch.autograd.grad(torch.compile(run, backend="aot_eager", fullgraph=True)(), given)
        for mine, theirs in zip(compiled, plain, strict=True):
            assert torch.equal(mine, theirs)

    def test_one_gradient_may_be_asked_for_alone(self, name: str) -> None:
        weight, bias, relu = CONVOLUTIONS[name]

        def gradients(wanted: int | None) -> list[Tensor | None]:
            tensors = leaves(self.x, weight, bias)
            for place, tensor in enumerate(tensors):
                if tensor is not None:
                    tensor.requires_grad_(wanted in (None, place))
            convolve(tensors, 2, relu=relu).square().sum().backward()  # type: ignore[no-untyped-call]
            return [None if tensor is None else tensor.grad for tensor in tensors]

        for place, wanted in enumerate(gradients(None)):
            if wanted is not None:
                alone = gradients(place)
                found = alone.pop(place)
                assert found is not None
                assert torch.equal(found, wanted)
                assert alone == [None, None]

    def test_numbers_of_another_kind_are_refused(self, name: str) -> None:
        weight, bias, relu = CONVOLUTIONS[name]
        with pytest.raises(ValueError, match="compute with float32 on a CPU, not with torch.float64 on cpu"):
            torch.ops.resnets.convolution(self.x.double(), weight, bias, 1, relu)

    def test_no_images_give_no_gradient(self, name: str) -> None:
        weight, bias, relu = CONVOLUTIONS[name]
        tensors = leaves(self.x[:0], weight, bias)
        convolve(tensors, 1, relu=relu).sum().backward()  # type: ignore[no-untyped-call]
        for tensor in tensors:
            if tensor is not None:
                assert tensor.grad is not None
                assert not tensor.grad.any()

    def test_a_second_derivative_is_refused_rather_than_wrong(self, name: str) -> None:
        weight, bias, relu = CONVOLUTIONS[name]
        tensors = leaves(self.x, weight, bias)
        y = convolve(tensors, 1, relu=relu)
        (first,) = torch.autograd.grad(y.square().sum(), tensors[:1], create_graph=True)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="once_differentiable"):
            first.sum().backward()  # type: ignore[no-untyped-call]
