from __future__ import annotations

import os

import pytest

from resnets.errors import ResourceError
from resnets.models.memory import check_fits, memory_bytes


def test_more_numbers_than_memory_are_refused() -> None:
    with pytest.raises(ResourceError, match=r"1,000,000,000,000,000 parameters need 3,725,290\.3 GiB"):
        check_fits(10**15)


def test_a_million_numbers_fit() -> None:
    check_fits(10**6)


def test_nothing_is_refused_where_the_system_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sysconf")
    assert memory_bytes() == float("inf")
    check_fits(10**15)
