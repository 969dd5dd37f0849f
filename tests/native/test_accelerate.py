"""A model on the native kernels is the same model: the same step, and whatever else may be done to it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from native_oracle import NARROW, assert_as_exact_as_torch, error, images, network, random, step, watch_kernels
from resnets.layers.freezing import freeze_norms
from resnets.layers.norm import BatchNorm2d
from resnets.native.accelerate import accelerate, is_accelerated, restore
from resnets.native.library import SWITCH
from resnets.spec import NormSpec, ResNetSpec, RevNetSpec, VGGSpec
from resnets.spec.families import Spec

pytestmark = pytest.mark.usefixtures("native_kernels")

BIASED = VGGSpec(num_convs=(2, 1), width=16, pooled_size=1, hidden=(), num_classes=7)
NETWORKS: dict[str, Spec] = {
    "basic": NARROW,
    "basic with projections": ResNetSpec.cifar(8, width=32, shortcut="B"),
    "wider from the first unit": ResNetSpec.cifar(8, width=32, stem_width=16),
    "bottleneck": ResNetSpec.cifar_bottleneck(11, width=16),
    "plain": NARROW.plain,
    "pre-activated": ResNetSpec.wide(10, 1),
    "ImageNet's stem": ResNetSpec(num_blocks=(1, 1), width=16, num_classes=7),
    "attention": ResNetSpec(num_blocks=(1, 1), width=16, num_classes=7, attention="se"),
    "channels that fill no panel": ResNetSpec.cifar(8, width=12),
    "biases": BIASED,
    "biases before norms": dataclasses.replace(BIASED, batch_norm=True),
    "groups": ResNetSpec(num_blocks=(1, 1), width=16, block="bottleneck", groups=4, width_per_group=16, num_classes=7),
    "other activation": ResNetSpec(num_blocks=(1, 1), width=16, activation="gelu", num_classes=7),
    "group norm": ResNetSpec(num_blocks=(1, 1), width=16, norm=NormSpec(kind="group", groups=4), num_classes=7),
}


class TestStep:
    @pytest.mark.parametrize("name", NETWORKS)
    def test_is_as_exact_as_pytorchs(self, name: str) -> None:
        assert_as_exact_as_torch(network(NETWORKS[name]).train(), images())

    @pytest.mark.parametrize("name", NETWORKS)
    def test_in_evaluation_is_as_exact_as_pytorchs(self, name: str) -> None:
        model = network(NETWORKS[name]).eval()
        assert_as_exact_as_torch(model, images())
        with torch.no_grad():
            assert_as_exact_as_torch(model, images())
        with torch.inference_mode():
            assert_as_exact_as_torch(model, images())

    def test_runs_on_the_kernels(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = watch_kernels(monkeypatch)
        step(network().train(), images())
        assert {"convolve", "input_gradient", "weight_gradient"} <= set(calls)
        calls.clear()
        with torch.no_grad():
            network().eval()(images())
        assert "convolve" in calls

    @pytest.mark.parametrize(
        "x",
        [
            images().detach().contiguous(),
            images(8)[::2],
            images(4, 13, 10).transpose(2, 3),
            images(4, 20, 26)[:, :, ::2, ::2],
            images(1),
            images(4, 5, 5),
            random(4, 1, 10, 13, seed=0).expand(4, 3, 10, 13),
        ],
        ids=[
            "channels first",
            "every second image",
            "transposed",
            "every second pixel",
            "one image",
            "tiny",
            "expanded",
        ],
    )
    def test_does_not_care_how_the_input_is_laid_out(self, x: Tensor) -> None:
        assert_as_exact_as_torch(network().train(), x.detach().requires_grad_())

    def test_gives_a_bias_before_a_norm_the_gradient_zero(self) -> None:
        found = step(network(NETWORKS["biases before norms"]).train(), images())
        ours = [value for name, value in found.items() if name.endswith("U2.conv.bias")]
        assert ours
        assert not any(value.any() for value in ours)

    @pytest.mark.parametrize("batch_norm", [True, False])
    def test_computes_convolutions_with_biases(self, *, batch_norm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        model = network(dataclasses.replace(BIASED, batch_norm=batch_norm)).train()
        calls = watch_kernels(monkeypatch)
        step(model, images())
        assert (calls.count("convolve"), calls.count("weight_gradient")) == (2, 2)

    @pytest.mark.parametrize("count", [1, 2])
    def test_with_every_kind_of_mode_mixed(self, count: int) -> None:
        model = network().train()
        for i, module in enumerate(model.modules()):
            if isinstance(module, nn.BatchNorm2d) and i % (count + 1):
                module.eval()
        assert_as_exact_as_torch(model, images())

    @pytest.mark.parametrize("what", ["statistics", "affine", "both"])
    def test_with_frozen_norms(self, what: Any) -> None:
        model = network().train()
        freeze_norms(model, what)
        assert_as_exact_as_torch(model, images())

    @pytest.mark.parametrize("seed", range(4))
    def test_with_any_parameters_frozen(self, seed: int) -> None:
        model, x = network().train(), images().detach()
        chosen = torch.rand(len(list(model.parameters())), generator=torch.Generator().manual_seed(seed)) < 0.5
        for parameter, is_wanted in zip(model.parameters(), chosen.tolist(), strict=True):
            parameter.requires_grad_(is_wanted)
        assert_as_exact_as_torch(model, x)

    @pytest.mark.parametrize("name", ["basic", "bottleneck", "plain"])
    def test_leaves_no_relu_of_a_block_to_pytorch(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        model = network(NETWORKS[name]).train()
        inner = model.get_submodule("stages")
        x = random(2, next(inner.parameters()).shape[1], 8, 8, seed=1)
        calls: list[nn.Module] = []
        relu = nn.ReLU.forward
        monkeypatch.setattr(nn.ReLU, "forward", lambda module, y: calls.append(module) or relu(module, y))  # type: ignore[func-returns-value]
        restore(copy.deepcopy(inner))(x)
        assert calls  # they are counted
        calls.clear()
        inner(x)
        assert calls == []

    @pytest.mark.parametrize(("channels", "is_ours"), [(16, True), (12, False)])
    def test_leaves_rows_without_a_convolution_of_its_own_alone(self, *, channels: int, is_ours: bool) -> None:
        row = nn.Sequential(nn.Conv2d(16, channels, 1, bias=False), BatchNorm2d(channels, NormSpec()), nn.ReLU())
        model = accelerate(nn.Sequential(row, nn.Flatten()))
        assert ("forward" in vars(row)) is is_ours
        assert is_accelerated(model) is is_ours

    def test_computes_a_reversible_unit_again_as_it_did(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """RevNet's units are computed again on the way back, with norms that do not remember the batch twice."""
        model = network(RevNetSpec(num_blocks=(1, 1), widths=(32, 64), num_classes=7)).train()
        assert_as_exact_as_torch(model, images())
        calls = watch_kernels(monkeypatch)
        step(model, images())
        assert calls.count("weight_gradient") == 8
        assert calls.count("convolve") == 8 + 4  # those of the second stage's unit halve the image and are stored

    def test_leaves_no_batch_and_other_numbers_to_pytorch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = watch_kernels(monkeypatch)
        model = network().eval()
        with torch.no_grad():
            assert model(torch.empty(0, 3, 18, 18)).shape == (0, 10)
            for dtype in (torch.float64, torch.bfloat16):
                assert model.to(dtype)(images().to(dtype)).dtype == dtype
        assert step(model.double().train(), images().double())["output"].dtype == torch.float64
        assert calls == []

    def test_leaves_other_devices_to_pytorch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = watch_kernels(monkeypatch)
        model = network().to("meta")
        for is_training in (True, False):
            assert model.train(is_training)(images().to("meta")).shape == (4, 10)
        assert calls == []

    def test_leaves_other_layouts_to_pytorch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What has no plain memory, and what stands in memory with the wrong sign."""
        unit = network().get_submodule("stages.S1.U1").eval()
        plain, x = restore(copy.deepcopy(unit)), random(2, 16, 6, 6, seed=1)
        calls = watch_kernels(monkeypatch)
        with torch.no_grad():
            assert torch.equal(unit(torch._neg_view(x)), plain(-x))
            for other in (x.to_sparse(), x.to_mkldnn()):
                TestRefusal.assert_answers_alike(unit, plain, other)
        assert calls == []

    def test_leaves_parameters_that_do_not_stand_side_by_side_to_pytorch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        layer, x = nn.Conv2d(16, 16, 3, padding=1), random(2, 16, 6, 6, seed=1)
        row = accelerate(nn.Sequential(layer, nn.ReLU()))
        calls = watch_kernels(monkeypatch)
        for bias in (random(32, seed=3)[::2], torch.ones(1).expand(16)):
            layer.bias = nn.Parameter(bias, requires_grad=False)
            wanted = functional.conv2d(x, layer.weight, bias.contiguous(), padding=1).relu()
            assert error(row(x), wanted) < 1e-6
        assert calls == []
        norm = BatchNorm2d(16, NormSpec())
        norm.weight = nn.Parameter(random(32, seed=3)[::2])
        accelerate(nn.Sequential(layer, norm)).train()(x)
        assert calls == []

    @pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # PyTorch's own
    def test_leaves_forward_derivatives_to_pytorch(self) -> None:
        x, direction = images().detach(), images().detach().flip(0)
        for model in (network().eval(), network(BIASED).train()):
            with torch.no_grad(), torch.autograd.forward_ad.dual_level():
                dual = torch.autograd.forward_ad.make_dual(x, direction)  # type: ignore[no-untyped-call]
                found, wanted = (
                    torch.autograd.forward_ad.unpack_dual(one(dual)).tangent  # type: ignore[no-untyped-call]
                    for one in (model, restore(copy.deepcopy(model)))
                )
            assert found is not None
            assert torch.equal(found, wanted)

    def test_goes_on_with_pytorch_where_kernels_are_switched_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        model = network().train()
        calls = watch_kernels(monkeypatch)
        monkeypatch.setenv(SWITCH, "0")
        found = step(model, images())
        wanted = step(restore(network()).train(), images())
        assert calls == []
        assert all(torch.equal(found[name], value) for name, value in wanted.items())

    def test_under_autocast_is_pytorchs(self) -> None:
        model = network()
        plain = restore(copy.deepcopy(model))
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(model(images()), plain(images()))

    def test_diverges_visibly(self) -> None:
        x = images().detach()
        x[2, 1, 5, 5] = torch.nan
        assert network().train()(x).isnan().all()
        with torch.no_grad():
            y = network().eval()(x)
        assert y[2].isnan().all()
        assert not y[[0, 1, 3]].isnan().any()


def shorten(layer: nn.Conv2d) -> None:
    layer.bias = nn.Parameter(torch.zeros(8))


class TestRefusal:
    """What PyTorch refuses is refused with PyTorch's words, instead of reading memory that is not ours."""

    @pytest.mark.parametrize("is_training", [True, False])
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda layers: layers.double(),
            lambda layers: layers[0].double(),
            lambda layers: layers[1].double(),
            lambda layers: layers.bfloat16(),
        ],
        ids=["all in float64", "weight in float64", "norm in float64", "bfloat16"],
    )
    def test_numbers_of_two_kinds(self, *, is_training: bool, spoil: Callable[[nn.Module], Any]) -> None:
        unit = network().get_submodule("stages.S1.U1.residual").train(is_training)
        spoil(unit)
        plain = restore(copy.deepcopy(unit))
        self.assert_answers_alike(unit, plain, random(2, 16, 6, 6, seed=1))

    @pytest.mark.parametrize("spoil", [lambda layer: layer.double(), lambda layer: layer.bfloat16(), shorten])
    def test_a_bias_that_does_not_fit(self, spoil: Callable[[nn.Conv2d], Any]) -> None:
        layer = nn.Conv2d(16, 16, 3, padding=1)
        weight = layer.weight.data.clone()
        spoil(layer)
        layer.weight.data = weight
        row = accelerate(nn.Sequential(layer, nn.ReLU()))
        self.assert_answers_alike(row, restore(copy.deepcopy(row)), random(2, 16, 6, 6, seed=1))

    @pytest.mark.parametrize("is_training", [True, False])
    @pytest.mark.parametrize("channels", [16, 48])
    def test_channels_that_do_not_fit(self, *, is_training: bool, channels: int) -> None:
        unit = network(ResNetSpec.cifar(8, width=32)).get_submodule("stages.S1.U1.residual").train(is_training)
        with (
            torch.set_grad_enabled(is_training),
            pytest.raises(RuntimeError, match=f"got input.*to have {channels} ch|{channels} channels"),
        ):
            unit(random(2, channels, 6, 6, seed=1))

    @staticmethod
    def assert_answers_alike(ours: nn.Module, plain: nn.Module, x: Tensor) -> None:
        answers: list[Tensor | str] = []
        for module in (ours, plain):
            try:
                with torch.set_grad_enabled(ours.training):
                    answers.append(module(x).to_dense())
            except RuntimeError as refused:
                answers.append(str(refused))
        if isinstance(answers[0], Tensor):
            assert isinstance(answers[1], Tensor)
            assert error(answers[0], answers[1]) < 1e-5
        else:
            assert answers[0] == answers[1]


@pytest.fixture
def global_hooks() -> Iterator[None]:
    """Removed again, whatever happens."""
    yield
    torch.nn.modules.module._global_forward_hooks.clear()


class TestHooks:
    """Whoever watches a part sees what goes in and out of it."""

    @pytest.mark.parametrize("is_training", [True, False])
    @pytest.mark.parametrize("part", ["residual", "residual.0", "residual.1", "residual.4", "activation", "shortcut"])
    def test_forward_hook_sees_input_and_output(self, *, part: str, is_training: bool) -> None:
        model = network().train(is_training)
        plain = restore(copy.deepcopy(model))
        seen: list[tuple[Tensor, Tensor]] = []
        for one in (model, plain):
            block: Any = one.get_submodule("stages.S2.U1")
            for name in part.split("."):
                block = block[int(name)] if name.isdigit() else getattr(block, name)
            block.register_forward_hook(lambda _, inputs, y: seen.append((inputs[0].detach(), y.detach())))
        with torch.set_grad_enabled(is_training):
            model(images())
            plain(images())
        (x, y), (wanted_x, wanted_y) = seen
        assert error(x, wanted_x) < 1e-4
        assert error(y, wanted_y) < 1e-4

    def test_backward_hook_sees_gradients(self) -> None:
        model = network().train()
        seen: list[Any] = []
        norm = next(
            module
            for name, module in model.named_modules()
            if "S2.U1.residual" in name and isinstance(module, nn.BatchNorm2d)
        )
        norm.register_full_backward_hook(lambda _, inputs, outputs: seen.extend([inputs, outputs]))
        step(model, images())
        assert len(seen) == 2

    @pytest.mark.parametrize("is_training", [True, False])
    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_a_part_that_computes_in_a_way_of_its_own_is_asked(self, part: int, *, is_training: bool) -> None:
        model = network().train(is_training)
        block: Any = model.get_submodule("stages.S2.U1")
        layer = block.residual[part]
        original = layer.forward
        vars(layer)["forward"] = lambda x: original(x).square()
        with torch.set_grad_enabled(is_training):
            found, wanted = model(images()), restore(copy.deepcopy(model))(images())
            assert error(found, wanted) < 1e-4
            del vars(layer)["forward"]
            assert error(found, model(images())) > 1e-3

    @pytest.mark.usefixtures("global_hooks")
    def test_hook_on_every_module_sees_every_module(self) -> None:
        model, seen = network().train(), set()
        torch.nn.modules.module.register_module_forward_hook(lambda module, *_: seen.add(module))
        model(images())
        assert {module for module in model.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)} <= seen

    def test_pruned_weights_stay_pruned(self) -> None:
        from torch.nn.utils import prune

        model = network().train()
        convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
        prune.l1_unstructured(convolutions[2], "weight", amount=0.5)  # type: ignore[no-untyped-call]
        ours, theirs = step(model, images()), step(restore(model), images())
        assert error(ours["output"], theirs["output"]) < 2e-5
        assert (ours["stages.S1.U1.residual.conv2.weight_orig"] == 0).sum() == convolutions[2].weight.numel() / 2
