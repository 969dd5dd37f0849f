"""Answering speed of the native engine beside PyTorch's and other engines: same network, same images, one process."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Mapping

import torch
from torch import nn

from resnets.bench.measure import Table, alternate, in_order, quickest, rate, ratio
from resnets.bench.other_engines import Answer, other_engines, versions
from resnets.inference.engines import run_by
from resnets.models.pretrained import create
from resnets.native import library
from resnets.training.machine import Machine, keep_freed_memory, physical_cores, return_freed_memory

NETS = ("resnet18", "resnet50")
BATCHES = {1: 8, 16: 1}
"""Images in a batch -> batches in a round."""
SIZE = 224
ROUNDS = 15
OURS, EAGER, KEPT = "native", "eager", "eager, freed memory kept"
Row = tuple[str | float | int, ...]


def inference_speed() -> Table:
    """Milliseconds an image of ImageNet's ResNet-18 and ResNet-50 at 224 pixels, for each engine that is here.

    Raises:
        ConfigError: if there are no native kernels.
    """
    machine = Machine(threads=physical_cores())
    machine.apply()
    with torch.inference_mode():
        rows = [row for name in NETS for images, batches in BATCHES.items() for row in _rows(name, images, batches)]
    return Table(
        "Inference: milliseconds an image beside other engines",
        ("network", "batch", "engine", "ms/image", "images/s", "native is faster by (median)", "(range)"),
        tuple(rows),
        (
            f"{SIZE}x{SIZE} images, {machine.threads} threads, {ROUNDS} rounds in turn, each after one untimed answer; "
            "ratios round by round.",
            f"Native kernels: {library.status().variant}. Eager: channels last, with glibc's own settings; the others "
            "keep freed memory. In bold: the quickest of the others, that with the least median.",
            f"Other libraries: {versions() or 'none are installed'}.",
        ),
    )


def _rows(name: str, images: int, batches: int) -> list[Row]:
    rivals = _rivals(name, images)
    actions = {rival: _repeated(answer, batches) for rival, answer in rivals.items()}
    prepare = {
        rival: in_order(return_freed_memory if rival == EAGER else keep_freed_memory, answer)
        for rival, answer in rivals.items()
    }
    seconds = alternate(actions, rounds=ROUNDS, warmups=2, prepare=prepare)
    best = quickest({rival: found for rival, found in seconds.items() if rival != OURS})
    return [
        (name, images, f"**{rival}**" if rival == best else rival, *_cells(found, seconds[OURS], images * batches))
        for rival, found in seconds.items()
    ]


def _cells(found: list[float], ours: list[float], images: int) -> Row:
    """Milliseconds an image, images a second, and the ratio to ours."""
    least, median, most = ratio(found, ours)
    times = ("", "") if found is ours else (f"{median:.2f}", f"{least:.2f} to {most:.2f}")
    return (f"{1000 * statistics.median(found) / images:.2f}", f"{rate(images, found):.1f}", *times)


def _repeated(answer: Answer, batches: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(batches):
            answer()

    return run


def _rivals(name: str, images: int) -> Mapping[str, Answer]:
    """Engine -> one answer."""
    model = _network(name)
    batch = torch.randn(images, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    ours, last = run_by("native", model), batch.contiguous(memory_format=torch.channels_last)
    eager = copy.deepcopy(model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    answers: dict[str, Answer] = dict.fromkeys((EAGER, KEPT), lambda: eager(last))
    return {**answers, **other_engines(model, batch), OURS: lambda: ours(batch)}


def _network(name: str) -> nn.Module:
    """With norms that do something."""
    model = create(name, seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    return model
