"""Shared by all tests: one thread, and a guard that nothing reaches for the network."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import torch

from resnets.native.library import SWITCH, status, variants
from resnets.training.machine import keep_freed_memory

keep_freed_memory()  # paging the same memory in again and again would be most of the tests' time
torch.set_num_threads(1)  # toy tensors: handing work to a second thread costs more than the work


def pytest_collection_finish() -> None:
    """Everything imported and collected stays: Python need not look through it for garbage again and again."""
    gc.collect()
    gc.freeze()


def _refuse(self: socket.socket, address: Any) -> NoReturn:
    raise AssertionError(f"a test reached for the network: {address}")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(socket.socket, "connect", _refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", _refuse)
    yield


@pytest.fixture(autouse=True, scope="session")
def _choices_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the native engine measures in tests is not kept for the user."""
    folder = tmp_path_factory.mktemp("choices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resnets.inference.native.choices.cache_folder", lambda: folder)
        yield


@pytest.fixture(autouse=True)
def _denormals_as_they_were() -> Iterator[None]:
    """A training in this process flushes denormals from then on, which later tests must not inherit."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def native_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fastest native kernels, whatever the environment says; skips where none were built."""
    monkeypatch.delenv(SWITCH, raising=False)
    if not variants():
        pytest.skip(f"no native kernels: {status().reason}")
    monkeypatch.setenv(SWITCH, variants()[0])
