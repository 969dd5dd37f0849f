"""Answering speed of the native engine beside PyTorch's and other engines: same network, same images, one process."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from resnets.bench.measure import Table, alternate, rate, ratio
from resnets.inference.engines import run_by
from resnets.models.pretrained import create
from resnets.native import library
from resnets.training.machine import Machine, physical_cores

NETS = ("resnet18", "resnet50")
BATCHES = {1: 20, 16: 1}
"""Images in a batch -> batches in a round."""
SIZE = 224
ROUNDS = 7
OURS = "native"
Answer = Callable[[], Any]


def inference_speed() -> Table:
    """Milliseconds a batch of ImageNet's ResNet-18 and ResNet-50 at 224 pixels, for each engine that is here.

    Raises:
        ConfigError: if there are no native kernels.
    """
    machine = Machine(threads=physical_cores())
    machine.apply()
    rows: list[tuple[str | float | int, ...]] = []
    with torch.inference_mode():
        for name in NETS:
            for images, batches in BATCHES.items():
                rows += _rows(name, images, batches)
    return Table(
        "Inference: milliseconds a batch beside other engines",
        ("network", "batch", "engine", "ms", "images/s", "native is faster by (median)", "(range)"),
        tuple(rows),
        (
            f"{SIZE}x{SIZE} images, {machine.threads} threads, {ROUNDS} rounds in turn; ratios round by round.",
            f"Native kernels: {library.status().variant}. Eager: channels last. Compiled: torch.compile with freezing.",
        ),
    )


def _rows(name: str, images: int, batches: int) -> list[tuple[str | float | int, ...]]:
    seconds = alternate(
        {rival: _repeated(answer, batches) for rival, answer in _rivals(name, images).items()}, rounds=ROUNDS, warmups=2
    )
    rows: list[tuple[str | float | int, ...]] = []
    for rival, found in seconds.items():
        least, median, most = ratio(found, seconds[OURS])
        speed = rate(images * batches, found)
        times = ("", "") if rival == OURS else (f"{median:.2f}", f"{least:.2f} to {most:.2f}")
        rows.append((name, images, rival, f"{1000 * images / speed:.1f}", f"{speed:.1f}", *times))
    return rows


def _repeated(answer: Answer, batches: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(batches):
            answer()

    return run


def _rivals(name: str, images: int) -> Mapping[str, Answer]:
    """Engine -> one answer; other libraries where they are installed."""
    model = _network(name)
    batch = torch.randn(images, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    ours, last = run_by("native", model), batch.contiguous(memory_format=torch.channels_last)
    eager = copy.deepcopy(model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rivals: dict[str, Answer] = {OURS: lambda: ours(batch), "eager": lambda: eager(last)}
    with suppress(RuntimeError):  # torch.compile needs a compiler
        rivals["compiled"] = _compiled(eager, last)
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnx"):
        rivals["ONNX Runtime"] = _onnx_runtime(model, batch)
    if importlib.util.find_spec("openvino"):
        rivals["OpenVINO"] = _openvino(model, batch)
    return rivals


def _network(name: str) -> nn.Module:
    """With norms that do something."""
    model = create(name, seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    return model


@torch.inference_mode(mode=False)
def _compiled(model: nn.Module, batch: Tensor) -> Answer:
    from torch._inductor import config  # noqa: PLC0415 - seconds that only this rival needs

    torch._dynamo.reset()
    batch = batch.clone(memory_format=torch.channels_last)

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def run() -> Any:
        with config.patch(freezing=True):
            return compiled(batch)

    compiled = torch.compile(model)
    run()
    return run


@torch.inference_mode(mode=False)
def _onnx_runtime(model: nn.Module, batch: Tensor) -> Answer:
    import io  # noqa: PLC0415

    import onnxruntime  # noqa: PLC0415

    file = io.BytesIO()
    export: Any = torch.onnx.export  # its types do not know of files in memory
    export(model, (torch.zeros(batch.shape),), file, input_names=["images"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    numbers = np.array(batch)
    return lambda: session.run(None, {"images": numbers})


@torch.inference_mode(mode=False)
def _openvino(model: nn.Module, batch: Tensor) -> Answer:
    import openvino  # noqa: PLC0415

    converted = openvino.convert_model(copy.deepcopy(model), example_input=torch.zeros(batch.shape))
    converted.reshape(list(batch.shape))
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(converted, "CPU", settings)
    numbers = np.array(batch)
    return lambda: compiled(numbers)
