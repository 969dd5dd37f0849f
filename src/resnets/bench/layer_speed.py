"""Each convolution of a network alone, natively and by PyTorch: speed, and share of the machine's peak."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnets.bench.measure import Table, alternate
from resnets.errors import ConfigError
from resnets.models.pretrained import create
from resnets.native import kernels
from resnets.native.chain import Convolution, torch_gradient
from resnets.native.kernels import Kernel
from resnets.native.library import Kernels, active, status
from resnets.native.pieces import is_native, kernel_of
from resnets.training.machine import Machine, physical_cores

BATCH = 128
SIZE = 32
ROUNDS = 7
PEAK_ROUNDS, PEAKS = 20_000_000, 8

Layer = tuple[int, int, int, Kernel]
"""Input and output channels, pixels along a side, kernel."""


def layer_speed(name: str = "resnet18") -> Table:
    """Forward pass and both gradients of each convolution that runs natively.

    Raises:
        ConfigError: if there are no native kernels here, or none of the network's convolutions runs on them.
    """
    native = active()
    if native is None:
        raise ConfigError(f"There are no native kernels to measure: {status().reason}.")
    machine = Machine(threads=physical_cores())
    machine.apply()
    layers = _layers(name)
    if not layers:
        raise ConfigError(f"No convolution of {name} runs on the native kernels.")
    alone, peak = (_peak(native, threads) for threads in (1, machine.threads))
    return Table(
        f"Native kernels: the convolutions of {name}",
        ("convolution", "times", "pass", "native GFLOP/s", "PyTorch GFLOP/s", "ratio", "share of peak"),
        tuple(row for layer, times in layers.items() for row in _rows(native, layer, times, peak)),
        (
            f"{BATCH} images of {SIZE}x{SIZE} pixels, {machine.threads} threads; medians of {ROUNDS} rounds in turn. "
            "GFLOP/s count two for each multiply-add of the direct algorithm, so that Winograd's may pass the peak.",
            f"Peak of multiply-adds from registers: {peak / 1e9:.0f} GFLOP/s, of one thread alone {alone / 1e9:.0f}: "
            f"cores that are hyper-threads of one share its peak. Variant {status().variant}.",
        ),
    )


def _peak(native: Kernels, threads: int) -> float:
    torch.set_num_threads(threads)
    peaks: list[float] = [2 * native.peak(PEAK_ROUNDS) for _ in range(PEAKS)]
    return max(peaks)


def _layers(name: str) -> Counter[Layer]:
    """Each different native convolution, and how often it is there."""
    found: Counter[Layer] = Counter()
    model = create(name, seed=0, num_classes=10, stem="small").eval()

    def note(layer: nn.Module, inputs: tuple[Tensor], _: Tensor) -> None:
        if isinstance(layer, nn.Conv2d) and is_native(layer):
            found[layer.in_channels, layer.out_channels, inputs[0].shape[2], kernel_of(layer)] += 1

    for module in model.modules():
        module.register_forward_hook(note)
    with torch.no_grad():
        model(torch.zeros(1, 3, SIZE, SIZE))
    return found


def _rows(native: Kernels, layer: Layer, times: int, peak: float) -> list[tuple[str | int, ...]]:
    channels, outputs, size, kernel = layer
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, channels, size, size, generator=generator).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(outputs, channels, kernel.size, kernel.size, generator=generator).contiguous(
        memory_format=torch.channels_last
    )
    dy = torch.randn_like(kernels.convolve(native, x, weight, kernel))
    passes: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "forward": (
            lambda: kernels.convolve(native, x, weight, kernel),
            lambda: torch.nn.functional.conv2d(x, weight, stride=kernel.stride, padding=kernel.padding),
        ),
        "input gradient": (
            lambda: kernels.input_gradient(native, dy, weight, tuple(x.shape), kernel),
            lambda: torch_gradient(x, Convolution(weight, kernel), dy, of_weight=False),
        ),
        "weight gradient": (
            lambda: kernels.weight_gradient(native, x, dy, weight, kernel),
            lambda: torch_gradient(x, Convolution(weight, kernel), dy, of_weight=True),
        ),
    }
    flops = 2 * dy.numel() * channels * kernel.size**2
    rows: list[tuple[str | int, ...]] = []
    for name, (ours, theirs) in passes.items():
        seconds = alternate({"native": _twice(ours), "torch": _twice(theirs)}, rounds=ROUNDS)
        mine, other = (2 * flops / statistics.median(seconds[rival]) for rival in ("native", "torch"))
        step = f", stride {kernel.stride}" if kernel.stride > 1 else ""
        label = f"{kernel.size}x{kernel.size}, {channels} to {outputs} at {size}x{size}{step}"
        speeds = f"{mine / 1e9:.0f}", f"{other / 1e9:.0f}", f"{mine / other:.2f}", f"{mine / peak:.2f}"
        rows.append((label, times, name, *speeds))
    return rows


def _twice(action: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        action()
        action()

    return run
