"""What may be done to a model on the native kernels: used twice, copied, saved, restored, compiled, trained."""

from __future__ import annotations

import copy
import io
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint

from native_oracle import NARROW, assert_as_exact_as_torch, error, images, network, random, step, watch_kernels
from resnets.models.build import build
from resnets.native.accelerate import accelerate, is_accelerated, restore
from resnets.spec import ResNetSpec, VGGSpec
from resnets.spec.families import Spec

pytestmark = pytest.mark.usefixtures("native_kernels")


class TestUse:
    def test_gradients_accumulate(self) -> None:
        once, twice = network().train(), network().train()
        twice.load_state_dict(once.state_dict())
        wanted = step(once, images())
        for _ in range(2):
            (twice(images()) * random(4, 10, seed=99)).sum().backward()
        for name, parameter in twice.named_parameters():
            assert parameter.grad is not None
            assert error(parameter.grad, 2 * wanted[name]) < 1e-4, name

    def test_a_block_may_be_used_twice(self) -> None:
        block = network().get_submodule("stages.S1.U1")
        assert_as_exact_as_torch(nn.Sequential(block, block).train(), random(4, 16, 9, 9, seed=3).requires_grad_())

    def test_the_input_of_a_block_may_be_used_elsewhere(self) -> None:
        class Dense(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.block = network().get_submodule("stages.S1.U1")

            def forward(self, x: Tensor) -> Tensor:
                hidden: Tensor = self.block(x * 2)
                return torch.cat((hidden, self.block(hidden), hidden * x), 1)

        assert_as_exact_as_torch(Dense().train(), random(4, 16, 9, 9, seed=3).requires_grad_())

    @pytest.mark.parametrize("reentrant", [True, False])
    def test_activations_may_be_computed_again(self, *, reentrant: bool) -> None:
        class Checkpointed(nn.Module):
            def __init__(self, body: nn.Module) -> None:
                super().__init__()
                self.body = body

            def forward(self, x: Tensor) -> Tensor:
                return checkpoint(self.body, x, use_reentrant=reentrant)  # type: ignore[no-any-return]

        assert_as_exact_as_torch(Checkpointed(network()).train(), images())

    @pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this PyTorch cannot run on several machines")
    def test_a_distributed_model_gives_the_same(self, tmp_path: Path) -> None:
        model = network().train()
        wanted = step(copy.deepcopy(model), images())
        place = f"file://{tmp_path / 'meeting'}"
        torch.distributed.init_process_group("gloo", init_method=place, rank=0, world_size=1)
        try:
            found = step(nn.parallel.DistributedDataParallel(model), images())
        finally:
            torch.distributed.destroy_process_group()
        for name, value in wanted.items():
            assert torch.equal(found[name if name in found else f"module.{name}"], value), name

    def test_a_copy_computes_with_its_own_weights(self) -> None:
        model = network().eval()
        other = copy.deepcopy(model)
        for parameter in other.parameters():
            parameter.data.zero_()
        assert is_accelerated(other)
        with torch.no_grad():
            assert other(images()).eq(0).all()
            assert not model(images()).eq(0).all()

    @pytest.mark.parametrize("through", ["pickle", "torch"])
    def test_a_model_may_be_saved_whole(self, through: str) -> None:
        model = network().eval()
        file = io.BytesIO()
        if through == "pickle":
            pickle.dump(model, file)
            other = pickle.loads(file.getvalue())  # noqa: S301  # our own bytes
        else:
            torch.save(model, file)
            other = torch.load(io.BytesIO(file.getvalue()), weights_only=False)
        assert torch.equal(other(images()), model(images()))
        assert is_accelerated(other)

    def test_state_has_the_same_names_and_values(self) -> None:
        model = network()
        plain = restore(copy.deepcopy(model))
        assert list(model.state_dict()) == list(plain.state_dict())
        assert list(map(type, model.modules())) == list(map(type, plain.modules()))

    def test_restored_it_is_pytorchs_bit_for_bit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = watch_kernels(monkeypatch)
        model, plain = network().train(), build(NARROW, seed=0)
        plain.load_state_dict(model.state_dict())
        ours, theirs = step(restore(model), images()), step(plain.train(), images())
        assert not is_accelerated(model)
        assert calls == []
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)

    def test_a_forward_of_somebody_else_is_left_alone(self) -> None:
        model = build(NARROW, seed=0)
        block = model.get_submodule("stages.S1.U1")
        vars(block)["forward"] = torch.zeros_like
        restore(accelerate(model))
        assert "forward" in vars(block)

    def test_without_kernels_nothing_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RESNETS_NATIVE", "0")
        assert not is_accelerated(network())


class TestCompilers:
    @pytest.mark.parametrize("is_training", [True, False])
    @pytest.mark.parametrize("backend", ["eager", "aot_eager"])
    @pytest.mark.parametrize(
        "spec",
        [
            ResNetSpec(num_blocks=(1,), width=16, stem="small", num_classes=7),
            VGGSpec(num_convs=(2,), width=16, pooled_size=1, hidden=(), num_classes=7),
        ],
    )
    @pytest.mark.filterwarnings("ignore")
    def test_compiled_it_gives_the_same(self, spec: Spec, *, backend: str, is_training: bool) -> None:
        torch._dynamo.reset()
        model = network(spec).train(is_training)
        other = copy.deepcopy(model)
        with torch.set_grad_enabled(is_training):
            compiled: Any = torch.compile(model, backend=backend, fullgraph=True)
            wanted, found = step(other, images()), step(compiled, images())
        for name, value in wanted.items():
            assert error(found.get(name, found.get(f"_orig_mod.{name}", value * torch.nan)), value) < 1e-5, name

    @pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
    @pytest.mark.filterwarnings("ignore")
    def test_compiled_by_inductor_it_gives_the_same(self) -> None:
        torch._dynamo.reset()
        model = network(ResNetSpec(num_blocks=(1,), width=16, stem="small", num_classes=7)).train()
        wanted = step(copy.deepcopy(model), images())
        compiled: Any = torch.compile(model, fullgraph=True)
        found = step(compiled, images())
        for name, value in wanted.items():
            assert error(found.get(name, found.get(f"_orig_mod.{name}", value * torch.nan)), value) < 1e-5, name

    @pytest.mark.filterwarnings("ignore")
    def test_exported_it_gives_the_same(self) -> None:
        torch._dynamo.reset()
        model = network(ResNetSpec(num_blocks=(1,), width=16, stem="small", num_classes=7)).eval()
        x = images().detach()
        with torch.no_grad():
            program = torch.export.export(model, (x,))
            assert error(program.module()(x), model(x)) < 1e-5
            assert error(program.module()(x + 1), model(x + 1)) < 1e-5

    @pytest.mark.filterwarnings("ignore")
    def test_traced_it_still_depends_on_its_input(self) -> None:
        model = network().eval()
        x = images().detach()
        with torch.no_grad():
            traced = torch.jit.trace(model, x)  # type: ignore[no-untyped-call]
            assert error(traced(x + 1), model(x + 1)) < 1e-5

    def test_recorded_by_its_operations_it_still_depends_on_its_input(self) -> None:
        model, x = network().eval(), images().detach()
        with torch.no_grad():
            recorded = make_fx(model)(x)
            assert error(recorded(x + 1), model(x + 1)) < 1e-5

    def test_per_sample_gradients_and_maps_work(self) -> None:
        model = network().eval()
        x = images().detach()
        with torch.no_grad():
            mapped = torch.func.vmap(lambda image: model(image[None])[0])(x)
            assert error(mapped, model(x)) < 1e-5
        parameters = dict(model.named_parameters())
        loss = lambda values: torch.func.functional_call(model, values, (x,)).square().sum()  # noqa: E731
        found = torch.func.grad(loss)(parameters)
        wanted = torch.autograd.grad(model(x).square().sum(), list(parameters.values()))
        for mine, theirs in zip(found.values(), wanted, strict=True):
            assert error(mine, theirs) < 1e-5


def curve(seed: int, *, native: bool) -> Tensor:
    """Losses of 40 steps on random images of two sorts."""
    model: nn.Module = build(NARROW, seed=seed)
    model = accelerate(model) if native else model
    generator = torch.Generator().manual_seed(5)
    labels = torch.randint(10, (512,), generator=generator)
    patterns = torch.randn(10, 3, 12, 12, generator=generator)
    x = patterns[labels] + torch.randn(512, 3, 12, 12, generator=generator)
    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.05, momentum=0.9)
    losses = []
    for i in range(40):
        batch = slice(32 * i % 512, 32 * i % 512 + 32)
        loss = nn.functional.cross_entropy(model(x[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def test_losses_differ_less_than_those_of_two_seeds() -> None:
    plain, ours, other = curve(0, native=False), curve(0, native=True), curve(1, native=False)
    assert plain[-5:].mean() < plain[:5].mean() / 2
    assert (ours - plain).abs().max() < 0.5 * (other - plain).abs().max()
    assert (ours[:5] - plain[:5]).abs().max() < 1e-3  # rounding has not grown yet
