"""Settings of the machine that make training faster, chosen by measuring and applied in one place."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resnets import values
from resnets.errors import ConfigError
from resnets.outputs import as_outputs
from resnets.training.fit import Batch, Batches
from resnets.training.loss import training_loss

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h
_KEEP_UP_TO = 1 << 30
LAYOUT_ROUNDS = 4
"""Steps of each layout; the fastest counts, since noise only ever adds."""
CLEARLY = 1.15
"""How much slower channels last may be measured before it is given up: less than this is noise."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How the tensor work is done. Part of a run's config: other settings give other roundings."""

    device: str = "cpu"
    """`cpu`, `cuda` or another name that PyTorch knows."""
    threads: int = 1
    """Threads that share a tensor operation; one for each physical core is fastest."""
    channels_last: bool = True
    """Store images with channels innermost, as convolution kernels want them: faster on most machines, so measured."""
    keep_memory: bool = True
    """Ask glibc to keep freed memory: a large tensor is then not paged in again each step."""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("threads", self.threads, 1, 4096)

    def apply(self) -> None:
        """Set up this process; to be called before the first tensor operation.

        Numbers below 1e-38 are flushed to zero: left alone they slow convolutions 40 times.   [pytorch issue 21734]
        """
        torch.set_flush_denormal(True)
        torch.set_num_threads(self.threads)
        if self.keep_memory:
            keep_freed_memory()

    def place(self, model: nn.Module) -> nn.Module:
        """The model on the device, in the memory layout."""
        return model.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload, no-any-return]

    def place_batches(self, batches: Batches) -> Batches:
        """The batches on the device, in the memory layout."""
        return _Placed(batches, self)

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout of images and weights."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


class _PlacedBatch(NamedTuple):
    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class _Placed:
    """Batches moved to a machine's device and layout; where they are there already, nothing is copied."""

    batches: Batches
    machine: Machine

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, epoch: int, start_step: int = 0) -> Iterator[Batch]:
        device, layout = self.machine.device, self.machine.memory_format
        for batch in self.batches.epoch(epoch, start_step):
            images = batch.images.to(device, memory_format=layout, non_blocking=True)
            yield _PlacedBatch(images, batch.labels.to(device, non_blocking=True))


def keep_freed_memory(up_to: int = _KEEP_UP_TO) -> bool:
    """Let glibc keep freed blocks of up to `up_to` bytes; False where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_M_MMAP_THRESHOLD, up_to) and libc.mallopt(_M_TRIM_THRESHOLD, 2 * up_to - 1))


def return_freed_memory() -> bool:
    """Glibc's own settings again; False where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    libc.malloc_trim(0)
    return bool(libc.mallopt(_M_MMAP_THRESHOLD, 128 * 1024) and libc.mallopt(_M_TRIM_THRESHOLD, 128 * 1024))


def find_device(name: str) -> str:
    """The device that `name` means; `auto` takes a GPU if there is one.

    Raises:
        ConfigError: if this machine or this PyTorch does not have it.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"This machine has no device '{name}'; use --device auto or --device cpu.") from error
    return name


def physical_cores() -> int:
    """Cores that this process may use, without hyper-threads where the system says which those are."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    siblings = set()
    for core in usable:
        try:
            with open(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list") as file:  # noqa: PTH123
                siblings.add(file.read().strip())
        except OSError:
            return len(usable)
    return len(siblings)


def fastest_layout(model: nn.Module, images: Tensor, labels: Tensor) -> bool:
    """Whether to train with channels last: yes, unless a step on `images` is clearly faster without.

    The two layouts take turns, and the model is left as it was.
    """
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    seconds: dict[torch.memory_format, list[float]] = {torch.channels_last: [], torch.contiguous_format: []}
    for _ in range(LAYOUT_ROUNDS):
        for layout, times in seconds.items():
            model.to(memory_format=layout)  # type: ignore[call-overload]
            times.append(_step_seconds(model, images.contiguous(memory_format=layout), labels))
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    model.zero_grad()
    return min(seconds[torch.channels_last]) <= CLEARLY * min(seconds[torch.contiguous_format])


def _step_seconds(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    start = time.perf_counter()
    training_loss(as_outputs(model(images)), labels).backward()  # type: ignore[no-untyped-call]
    return time.perf_counter() - start


def describe() -> dict[str, str | int]:
    """What can make two runs differ: processor, instruction set, threads, versions."""
    return {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "platform": platform.platform(),
        "processor": processor_name(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "cores": physical_cores(),
        "threads": torch.get_num_threads(),
    }


def processor_name() -> str:
    """The processor as the system calls it."""
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
