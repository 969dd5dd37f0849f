from __future__ import annotations

from pathlib import Path

import pytest

from resnets.data import memory
from resnets.errors import ResourceError


def test_more_than_is_free_is_refused_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: 2 * 10**9)
    memory.check_memory(10**9, "Holding 5 pictures")
    message = "Holding 5 pictures would take 1.9 GB of memory, and 2.0 GB are free. Choose a smaller --size"
    with pytest.raises(ResourceError, match=message):
        memory.check_memory(19 * 10**8, "Holding 5 pictures")


def test_where_the_system_does_not_tell_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    memory.check_memory(10**18, "Holding everything")


def test_this_machine_has_some_memory_free() -> None:
    free = memory.free_bytes()
    assert free is None or free > 10**6


def test_the_limit_of_a_container_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert memory._free_in_container(tmp_path) == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._free_in_container(tmp_path) is None
    assert memory._free_in_container(tmp_path / "none") is None
