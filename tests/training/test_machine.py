from __future__ import annotations

import os
import platform

import pytest
import torch
from toy import ToyBatches

from resnets.errors import ConfigError
from resnets.training.machine import (
    Machine,
    describe,
    find_device,
    keep_freed_memory,
    physical_cores,
    processor_name,
)


def test_auto_finds_a_device_and_unknown_ones_are_refused() -> None:
    assert find_device("auto") in ("cpu", "cuda")
    assert find_device("cpu") == "cpu"
    with pytest.raises(ConfigError, match="no device 'tpu9'; use --device auto"):
        find_device("tpu9")


def test_cores_are_at_least_one_and_at_most_those_there_are() -> None:
    assert 1 <= physical_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("channels_last", [True, False])
def test_batches_arrive_in_the_layout(*, channels_last: bool) -> None:
    machine = Machine(channels_last=channels_last)
    placed = machine.place_batches(ToyBatches())
    assert len(placed) == 6
    batch = next(iter(placed.epoch(0, 2, torch.empty(0))))
    assert batch.images.is_contiguous(memory_format=machine.memory_format)
    assert torch.equal(batch.images, next(iter(ToyBatches().epoch(0, 2))).images)


def test_denormals_are_flushed_once_the_settings_are_applied() -> None:
    threads = torch.get_num_threads()
    Machine(threads=threads).apply()
    assert float(torch.tensor([1e-39]) * 0.5) == 0.0


def test_freed_memory_is_kept_where_there_is_glibc() -> None:
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")


def test_what_makes_runs_differ_is_described() -> None:
    facts = describe()
    assert {"torch", "processor", "instruction_set", "threads", "cores", "python", "platform"} <= facts.keys()
    assert processor_name()
