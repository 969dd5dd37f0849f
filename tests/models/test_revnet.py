from __future__ import annotations

import copy
import weakref
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from oracles import scramble_norms
from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.layers.freezing import freeze_norms
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import NormSpec, RevNetSpec, replace

PAPERS = {
    # [Gomez 2017, Table 2]: depth, parameters in millions as printed, and how near we are: within rounding on CIFAR
    "revnet38": (38, 0.46, 0.005),
    "revnet110": (110, 1.73, 0.005),
    "revnet164": (164, 1.75, 0.005),
    "revnet104": (104, 45.2, 0.3),
}

SMALL = RevNetSpec(num_blocks=(2, 3), widths=(4, 8), stem_width=4, num_classes=5)
VARIANTS: list[dict[str, Any]] = [
    {},
    {"block": "bottleneck"},
    {"stem": "large"},
    {"num_blocks": (1, 1)},
    {"norm": NormSpec(kind="sync")},
    {"norm": NormSpec(kind="group"), "widths": (8, 16), "stem_width": 8},
]


def _images(size: int = 10, count: int = 3) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def counts(spec: RevNetSpec, size: int) -> tuple[int, int]:
    """Parameters and MACs by arithmetic alone."""
    parameters = macs = 0

    def convolve(kernel: int, inputs: int, outputs: int, pixels: int, *, norm: int) -> None:
        nonlocal parameters, macs
        weights = kernel * kernel * inputs * outputs
        parameters += weights + 2 * norm
        macs += weights * pixels * pixels

    if spec.stem == "large":
        size = -(-size // 2)
        convolve(7, spec.in_channels, spec.stem_width, size, norm=0)
        size = -(-size // 2)
    else:
        convolve(3, spec.in_channels, spec.stem_width, size, norm=0)
    expansion = 4 if spec.block == "bottleneck" else 1
    for stage, (inputs, width) in enumerate(pairwise((spec.stem_width, *spec.widths))):
        half, out, inner = inputs // 2 * (expansion if stage else 1), width // 2 * expansion, width // 2
        size = -(-size // 2) if stage else size
        for branch in range(2 * spec.num_blocks[stage]):
            first = half if branch == 0 else out
            if spec.block == "basic":
                convolve(3, first, inner, size, norm=first)
                convolve(3, inner, inner, size, norm=inner)
            else:
                convolve(1, first, inner, size, norm=first)
                convolve(3, inner, inner, size, norm=inner)
                convolve(1, inner, out, size, norm=inner)
        if spec.block == "bottleneck":
            convolve(1, half, out, size, norm=0)
            convolve(1, half, out, size, norm=0)
    channels = spec.widths[-1] * expansion
    return parameters + 2 * channels + (channels + 1) * spec.num_classes, macs + channels * spec.num_classes


def functional_revnet(p: Mapping[str, Tensor], x: Tensor, spec: RevNetSpec) -> Tensor:
    """A RevNet of basic branches in training mode without modules, from its state."""

    def bn_relu(x: Tensor, name: str) -> Tensor:
        y = functional.batch_norm(x, None, None, p[f"{name}.weight"], p[f"{name}.bias"], training=True)
        return functional.relu(y)

    def branch(x: Tensor, name: str, stride: int) -> Tensor:
        x = functional.conv2d(bn_relu(x, f"{name}.norm1"), p[f"{name}.conv1.weight"], stride=stride, padding=1)
        return functional.conv2d(bn_relu(x, f"{name}.norm2"), p[f"{name}.conv2.weight"], padding=1)

    def carried(x: Tensor, channels: int, stride: int) -> Tensor:
        return functional.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, channels - x.shape[1]))

    x1, x2 = functional.conv2d(x, p["stem.conv.weight"], padding=1).chunk(2, dim=1)
    for stage, units in enumerate(spec.num_blocks, start=1):
        for number in range(1, units + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            changed = branch(x2, f"stages.S{stage}.U{number}.f", stride)
            x1 = carried(x1, changed.shape[1], stride) + changed
            x2 = carried(x2, changed.shape[1], stride) + branch(x1, f"stages.S{stage}.U{number}.g", 1)
    x = bn_relu(torch.cat([x1, x2], dim=1), "final.norm").mean((2, 3))
    return functional.linear(x, p["head.linear.weight"], p["head.linear.bias"])


def pair(dtype: torch.dtype = torch.float64, **changes: Any) -> tuple[nn.Module, nn.Module]:
    """A network that recomputes, and its twin of equal weights that stores."""
    model = build(replace(SMALL, **changes), seed=0).to(dtype)
    scramble_norms(model)
    twin = build(replace(SMALL, recompute=False, **changes)).to(dtype)
    twin.load_state_dict(model.state_dict())
    return model, twin


def gradients(model: nn.Module, images: Tensor) -> dict[str, Tensor | None]:
    model.zero_grad()
    model(images).square().sum().backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("name", PAPERS)
def test_counts_are_the_closed_formulas_and_the_papers(name: str) -> None:
    spec = spec_of(name)
    assert isinstance(spec, RevNetSpec)
    cost = complexity(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, spec.usual_input[1])
    depth, millions, distance = PAPERS[name]
    assert spec.depth == depth
    assert abs(cost.parameters / 1e6 - millions) < distance


@pytest.mark.parametrize("changes", [{"recompute": True}, {"recompute": False}])
def test_network_and_its_gradients_equal_the_functional_ones(changes: dict[str, Any]) -> None:
    model = build(replace(SMALL, **changes), seed=0).double()
    scramble_norms(model)
    images = _images().double()
    leaves = {name: parameter.detach().clone().requires_grad_() for name, parameter in model.named_parameters()}
    expected = functional_revnet(leaves, images, SMALL)
    torch.testing.assert_close(model(images), expected)
    torch.autograd.backward(expected.square().sum())
    for name, gradient in gradients(model, images).items():
        torch.testing.assert_close(gradient, leaves[name].grad)


@pytest.mark.parametrize("changes", VARIANTS, ids=", ".join)
def test_gradients_are_those_of_the_twin_that_stores(changes: dict[str, Any]) -> None:
    model, twin = pair(**changes)
    images = _images(40).double().requires_grad_()
    ours = gradients(model, images)
    of_the_image, images.grad = images.grad, None
    for name, gradient in gradients(twin, images).items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(of_the_image, images.grad, rtol=1e-8, atol=1e-8)


@pytest.mark.slow
def test_110_layers_round_no_worse_than_the_twin_that_stores() -> None:
    spec = spec_of("revnet110")
    assert isinstance(spec, RevNetSpec)
    model = build(spec, seed=0)
    twin = build(replace(spec, recompute=False), seed=0)
    exact = build(replace(spec, recompute=False), seed=0).double()

    def gradient(net: nn.Module, images: Tensor) -> Tensor:
        return torch.cat([value.flatten().double() for value in gradients(net, images).values() if value is not None])

    expected = gradient(exact, _images(32, 8).double())
    error, unavoidable = ((gradient(net, _images(32, 8)) - expected).norm() for net in (model, twin))
    assert error < 3 * unavoidable < 0.1 * expected.norm()


def test_statistics_move_once_a_step() -> None:
    model, twin = pair()
    for _ in range(2):
        gradients(model, _images().double())
        gradients(twin, _images().double())
    for (name, ours), theirs in zip(model.named_buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)
        assert "num_batches" not in name or ours == 2


def test_frozen_statistics_and_evaluation_have_gradients_too() -> None:
    model, twin = pair()
    for prepare in (lambda net: freeze_norms(net, "statistics"), nn.Module.eval):
        prepare(model)
        prepare(twin)
        before = {name: value.clone() for name, value in model.named_buffers()}
        ours = gradients(model, _images().double())
        for name, gradient in gradients(twin, _images().double()).items():
            torch.testing.assert_close(ours[name], gradient, rtol=1e-8, atol=1e-8)
        assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())


def test_a_mode_that_changes_before_the_way_backwards_changes_nothing() -> None:
    model, twin = pair()
    expected = gradients(twin, _images().double())
    loss = model(_images().double()).square().sum()
    model.eval()
    loss.backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-8, atol=1e-8)
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize("frozen", ["stem", "stages.S1.U1", "stages.S2.U2.f", "stages", "norm"])
def test_parts_can_be_frozen(frozen: str) -> None:
    model, twin = pair()
    for net in (model, twin):
        for name, parameter in net.named_parameters():
            parameter.requires_grad_(frozen not in name)
    theirs = gradients(twin, _images().double())
    for name, gradient in gradients(model, _images().double()).items():
        assert (gradient is None) == (frozen in name) == (theirs[name] is None)
        torch.testing.assert_close(gradient, theirs[name], rtol=1e-8, atol=1e-8)


def test_nothing_is_kept_without_gradients() -> None:
    model, twin = pair()
    with torch.no_grad():
        logits = model(_images().double())
    assert not logits.requires_grad
    torch.testing.assert_close(logits, twin(_images().double()))


def test_two_losses_add_up() -> None:
    model, twin = pair()
    for net in (model, twin):
        (net(_images().double()).sum() + net(2 * _images().double() + 1).square().sum()).backward()
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-8, atol=1e-8)


def test_a_weight_changed_in_between_is_refused() -> None:
    model, _ = pair()
    loss = model(_images().double()).sum()
    with torch.no_grad():
        model.get_parameter("stages.S1.U2.g.conv1.weight").mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_other_weights_can_be_lent() -> None:
    model, twin = pair()
    lent = {name: (2 * parameter).detach().requires_grad_() for name, parameter in twin.named_parameters()}
    same = {name: parameter.detach().clone().requires_grad_() for name, parameter in lent.items()}
    for net, weights in ((model, lent), (twin, same)):
        functional_call(net, weights, (_images().double(),)).sum().backward()
    for name, weight in lent.items():
        torch.testing.assert_close(weight.grad, same[name].grad, rtol=1e-8, atol=1e-8)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_copy_is_independent() -> None:
    model, _ = pair()
    model(_images().double()).sum().backward()
    average = copy.deepcopy(model).eval()
    kept = {name: value.clone() for name, value in average.state_dict().items()}
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    gradients(model, _images().double())
    assert all(torch.equal(value, kept[name]) for name, value in average.state_dict().items())


def test_mixed_precision_is_no_worse_than_that_of_the_twin() -> None:
    def gradient(net: nn.Module, *, mixed: bool) -> Tensor:
        net.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            loss = net(_images()).float().square().sum()
        torch.autograd.backward(loss)
        return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])

    model, twin = pair(torch.float32)
    exact = gradient(twin, mixed=False)
    error, unavoidable = ((gradient(net, mixed=True) - exact).norm() / exact.norm() for net in (model, twin))
    assert error < 2 * unavoidable < 0.5


class Meter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of all tensors made inside that are still alive, and the most there were."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive = self.peak = 0
        self.seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = func(*args, **(kwargs or {}))
        for output in outputs if isinstance(outputs, tuple | list) else (outputs,):
            if isinstance(output, Tensor):
                self.count(output.untyped_storage())
        return outputs

    def count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage.data_ptr(), storage.nbytes()
        if key in self.seen or not size:
            return
        self.seen.add(key)
        self.alive += size
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self.free, key, size)

    def free(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.alive -= size


def memory(units: int, *, recompute: bool) -> tuple[int, int]:
    """Bytes saved for the way backwards, weights left out, and the most that a training step holds at once."""
    spec = RevNetSpec(num_blocks=(units, units), widths=(4, 4), stem_width=4, num_classes=2, recompute=recompute)
    model, saved = build(spec, seed=0), 0
    weights = {parameter.data_ptr() for parameter in model.parameters()}

    def keep(values: Tensor) -> Tensor:
        nonlocal saved
        saved += 0 if values.data_ptr() in weights else values.untyped_storage().nbytes()
        return values

    with Meter() as meter:
        with saved_tensors_hooks(keep, lambda values: values):
            loss = model(_images(64)).sum()
        loss.backward()
    return saved, meter.peak


def test_memory_of_a_training_step_does_not_grow_with_depth() -> None:
    (saved, peak), (deep_saved, deep_peak) = memory(2, recompute=True), memory(12, recompute=True)
    image = 3 * 4 * 64 * 64 * 4
    assert deep_saved - saved == 0
    assert deep_peak - peak < 0.5 * image, "six times the units cost no half of one activation"
    (stored, most), (deep_stored, deep_most) = memory(2, recompute=False), memory(12, recompute=False)
    assert deep_stored > 4 * stored and deep_most > 4 * most, "which the same net that stores does not hold"


def test_inputs_are_had_back_from_outputs() -> None:
    model, _ = pair()
    unit: Any = dict(model.blocks())["S1U2"]  # type: ignore[operator]
    x1, x2 = (x := torch.randn(2, 4, 6, 6).double()).chunk(2, dim=1)
    y1, y2 = unit(x).chunk(2, dim=1)
    torch.testing.assert_close(y2 - unit.g(y1), x2)
    torch.testing.assert_close(y1 - unit.f(x2), x1)


def test_units_that_change_the_shape_are_ordinary() -> None:
    rows = structure(SMALL, (3, 8, 8))
    assert [(row.label, row.shortcut) for row in rows[1:-2]] == [
        ("S1U1", "identity"), ("S1U2", "identity"), ("S2U1", "A"), ("S2U2", "identity"), ("S2U3", "identity"),
    ]  # fmt: skip
    assert structure(replace(SMALL, block="bottleneck"), (3, 8, 8))[1].shortcut == "B"


@pytest.mark.parametrize("changes", [{"num_blocks": (1, 1, 1), "widths": (4, 4, 4)}, {"stem": "large"}])
def test_the_smallest_image_works_and_a_smaller_one_is_refused(changes: dict[str, Any]) -> None:
    model = build(replace(SMALL, **changes)).eval()
    least = model.minimum_size
    assert model(_images(least)).shape == (3, 5)
    with pytest.raises(DataError, match=f"at least {least}x{least}"):
        model(_images(least - 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": (4,)}, "widths has 1 entry for 2 stages"),
        ({"widths": (4, 7)}, "widths must be even, as channels are split in two halves; got 7"),
        ({"stem_width": 3}, "stem_width must be even"),
        ({"widths": (4, 2)}, "cannot drop any, but 4 are followed by 2"),
        ({"widths": (4, 65_536), "block": "bottleneck"}, "end at 262144 channels; at most 65536"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **changes)
