from __future__ import annotations

import pytest
import torch

from resnets.inspection.memory import memory, peak_bytes, saved_bytes
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import AlexNetSpec, ResNetSpec, Spec, VGGSpec, replace

SPECS: list[Spec] = [
    ResNetSpec(num_blocks=(1, 2), width=4, num_classes=5),
    ResNetSpec(num_blocks=(1, 1), width=4, block="bottleneck", ordering="full_preactivation", num_classes=5),
    VGGSpec(num_convs=(1, 2), width=4, hidden=(8,), num_classes=5),
    AlexNetSpec(towers=2, hidden=8, num_classes=5),
    spec_of("lenet5"),
    spec_of("mlp3x100_bn"),
]


def really_saved(spec: Spec, images: torch.Tensor) -> int:
    """What autograd keeps of tensors that have values, each address once."""
    model = build(spec, seed=0)
    own = {parameter.data_ptr() for parameter in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        pointer = tensor.untyped_storage().data_ptr()
        if pointer not in own:
            kept[pointer] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(images)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize("batch_size", [2, 5])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_saved_bytes_are_those_of_a_real_pass(spec: Spec, batch_size: int) -> None:
    channels, height, width = spec.usual_input if spec.maximum_size else (3, 72, 64)
    images = torch.randn(batch_size, channels, height, width)
    counted = memory(spec, (channels, height, width), batch_size)
    assert counted.saved == really_saved(spec, images)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_peak_is_that_of_a_real_pass(spec: Spec) -> None:
    channels, height, width = spec.usual_input if spec.maximum_size else (3, 72, 64)
    real = peak_bytes(build(spec, seed=0).eval(), torch.randn(3, channels, height, width))
    # a batch norm without values puts out two numbers a channel more than a real one
    assert real <= memory(spec, (channels, height, width), 3).peak <= real + 2 * 4 * 128


def test_a_chain_of_layers_keeps_what_arithmetic_says() -> None:
    spec = VGGSpec(num_convs=(1,), width=8, hidden=(), pooled_size=1, num_classes=5)
    counted = memory(spec, (3, 20, 16), 7)
    image, response, pooled = 3 * 20 * 16, 8 * 20 * 16, 8 * 10 * 8
    assert counted.saved == 7 * (4 * image + 4 * response + 8 * pooled + 4 * 8)  # places of the maxima are 64-bit
    assert counted.peak == 7 * 4 * (image + 2 * response)


def test_vgg_needs_three_times_its_largest_response_at_once() -> None:
    largest = 64 * 224 * 224
    assert memory(spec_of("vgg16"), (3, 224, 224), 2).peak == 2 * 4 * (3 * 224 * 224 + 3 * largest)


@pytest.mark.parametrize(("optimizer", "copies"), [("sgd", 1), ("adamw", 2)])
def test_weights_gradients_and_state_are_counted(optimizer: str, copies: int) -> None:
    counted = memory(spec_of("resnet20"), (3, 32, 32), 1, optimizer)  # type: ignore[arg-type]
    assert counted.gradients == 4 * 269_722
    assert counted.optimizer_state == copies * counted.gradients
    statistics = 2 * (7 * 16 + 6 * 32 + 6 * 64)
    assert counted.weights == 4 * (269_722 + statistics) + 8 * 19  # and 19 counters of batches
    assert counted.training == counted.weights + (1 + copies) * counted.gradients + counted.saved
    assert counted.inference == counted.weights + counted.peak


def test_optimizers_keep_as_much_as_is_counted() -> None:
    model = build(replace(spec_of("resnet20"), num_blocks=(1,)), seed=0)
    weights = sum(parameter.numel() for parameter in model.parameters())
    for copies, optimizer in (
        (1, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)),
        (2, torch.optim.AdamW(model.parameters())),
    ):
        model(torch.randn(2, 3, 8, 8)).sum().backward()
        optimizer.step()
        state = [value for values in optimizer.state.values() for value in values.values()]
        kept = sum(value.numel() for value in state if isinstance(value, torch.Tensor) and value.ndim)
        scales = sum(parameter.numel() == 1 for parameter in model.parameters())
        assert kept == copies * weights and not scales


def test_saved_grows_with_the_batch_and_the_rest_does_not() -> None:
    one, four = (memory(spec_of("cifar_vgg16_bn"), (3, 32, 32), count) for count in (2, 8))
    assert one.weights == four.weights
    norms = 2 * 4 * (2 * 64 + 2 * 128 + 3 * 256 + 6 * 512)  # mean and deviation of each channel of the batch
    assert four.saved - norms == 4 * (one.saved - norms)


def test_counting_leaves_the_generator_alone() -> None:
    before = torch.get_rng_state()
    model = build(SPECS[2], seed=0)
    saved_bytes(model, torch.randn(1, 3, 32, 32, generator=torch.Generator()))
    assert torch.equal(before, torch.get_rng_state())
