from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from resnets.bench.measure import Table, alternate, in_order, quickest, rate, ratio
from resnets.bench.record import facts, markdown, update


def test_rivals_take_turns() -> None:
    order: list[str] = []
    seconds = alternate({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3, warmups=1)
    assert order == ["a", "b"] * 4
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}


def test_what_prepares_a_turn_comes_before_it() -> None:
    order: list[str] = []
    rivals = {name: partial(order.append, name) for name in "ab"}
    alternate(rivals, rounds=2, warmups=0, prepare={"b": in_order(partial(order.append, "x"), rivals["a"])})
    assert order == ["a", "x", "a", "b"] * 2


def test_ratio_is_round_by_round() -> None:
    assert ratio([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == (1.0, 2.0, 3.0)


def test_the_quickest_has_the_least_median_not_the_least_round() -> None:
    assert quickest({"steady": [2.0, 2.0, 2.0], "lucky once": [1.0, 3.0, 3.0]}) == "steady"


def test_rate_is_of_the_median_round() -> None:
    assert rate(100, [1.0, 2.0, 50.0]) == pytest.approx(50)


TABLE = Table("A title", ("what", "images/s"), (("resnet20", 12345),), ("A note.",))


def test_a_table_is_markdown() -> None:
    text = markdown(Table(**{**vars(TABLE), "facts": facts("training")}))
    assert "| resnet20 | 12,345 |" in text
    assert "resnets bench training" in text
    assert "torch " in text


def test_recording_replaces_one_table_and_keeps_the_others(tmp_path: Path) -> None:
    update(tmp_path, {"one": TABLE, "two": TABLE})
    update(tmp_path, {"two": Table("Another title", ("x",), ((1,),))})
    stored = json.loads((tmp_path / "benchmarks.json").read_text())
    assert [stored[name]["title"] for name in ("one", "two")] == ["A title", "Another title"]
    text = (tmp_path / "benchmarks.md").read_text()
    assert "## A title" in text
    assert "## Another title" in text
