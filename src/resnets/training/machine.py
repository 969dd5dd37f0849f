"""Settings of the machine that make training faster, chosen by measuring and applied in one place."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resnets import values
from resnets.errors import ConfigError
from resnets.native import arena
from resnets.native.accelerate import accelerate, restore
from resnets.native.library import status
from resnets.training.fit import Batch, Batches

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h
_KEEP_UP_TO, _GLIBC_KEEPS_UP_TO = 1 << 30, 32 << 20


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How the tensor work is done. Part of a run's config: other settings give other roundings."""

    device: str = "cpu"
    """`cpu`, `cuda` or another name that PyTorch knows."""
    threads: int = 1
    """Threads that share a tensor operation; one for each physical core is fastest."""
    channels_last: bool = True
    """Store images with channels innermost, as convolution kernels want them: faster on most machines, so measured."""
    native: bool = True
    """Run blocks on the native kernels, where these are there: on a CPU, with channels last."""
    keep_memory: bool = True
    """Keep freed memory, glibc's and the native kernels': a large tensor is then not paged in again each step."""

    def __post_init__(self) -> None:
        values.check_types(self)
        values.check_range("threads", self.threads, 1, 4096)

    def apply(self) -> None:
        """Set up this process; to be called before the first tensor operation.

        Numbers below 1e-38 are flushed to zero: left alone they slow convolutions 40 times.   [pytorch issue 21734]
        """
        torch.set_flush_denormal(True)
        torch.set_num_threads(self.threads)
        arena.keep(wanted=self.keep_memory)
        if self.keep_memory:
            keep_freed_memory()

    def place(self, model: nn.Module) -> nn.Module:
        """The model on the device, in the memory layout, on the native kernels or on PyTorch alone."""
        placed: nn.Module = model.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload]
        return accelerate(placed) if self.has_kernels else restore(placed)

    @property
    def has_kernels(self) -> bool:
        """Whether the native kernels are wanted and there for these settings."""
        return self.native and self.channels_last and self.device == "cpu" and status().variant is not None

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
    indices: Tensor


@dataclass(frozen=True)
class _Placed:
    """Batches moved to a machine's device and layout; where they are there already, nothing is copied."""

    batches: Batches
    machine: Machine

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, epoch: int, start_step: int, losses: Tensor) -> Iterator[Batch]:
        device, layout = self.machine.device, self.machine.memory_format
        for batch in self.batches.epoch(epoch, start_step, losses):
            images = batch.images.to(device, memory_format=layout, non_blocking=True)
            yield _PlacedBatch(images, batch.labels.to(device, non_blocking=True), batch.indices)


def keep_freed_memory(up_to: int = _KEEP_UP_TO) -> bool:
    """Let glibc keep freed blocks of up to `up_to` bytes; False where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_M_MMAP_THRESHOLD, up_to) and libc.mallopt(_M_TRIM_THRESHOLD, 2 * up_to - 1))


def return_freed_memory() -> bool:
    """What is free given back, and glibc's own settings as they are after it freed large blocks; False without glibc.

    Its threshold follows the blocks that are freed, up to 32 MB.   [mallopt(3), M_MMAP_THRESHOLD]
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    ctypes.CDLL(None).malloc_trim(0)
    return keep_freed_memory(_GLIBC_KEEPS_UP_TO)


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


def describe() -> dict[str, str | int]:
    """What can make two runs differ: processor, instruction set, threads, versions."""
    return {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "platform": platform.platform(),
        "processor": processor_name(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "native_kernels": status().variant or "none",
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
