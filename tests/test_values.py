from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from resnets import values
from resnets.errors import ConfigError
from resnets.values import check_range, from_dict, from_json, to_dict, to_json


@dataclass(frozen=True, kw_only=True)
class Inner:
    size: int = 3

    def __post_init__(self) -> None:
        values.check_types(self)


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = "x"
    rate: float = 0.5
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    maybe: int | None = None
    several: tuple[float, ...] = ()
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        values.check_types(self)


FULL = Outer(name="ü", rate=2, flag=True, kind="b", maybe=4, several=(1, 2.5), inner=Inner(size=9))


@pytest.mark.parametrize("value", [Outer(), FULL])
def test_round_trips(value: Outer) -> None:
    assert from_dict(Outer, to_dict(value)) == value
    assert from_json(Outer, to_json(value)) == value


def test_dictionary_is_plain() -> None:
    assert to_dict(FULL) == {
        "name": "ü", "rate": 2.0, "flag": True, "kind": "b", "maybe": 4, "several": [1.0, 2.5], "inner": {"size": 9},
    }  # fmt: skip


def test_equal_values_give_equal_text() -> None:
    assert to_json(Outer(rate=2)) == to_json(Outer(rate=2.0))


def test_missing_keys_take_their_defaults() -> None:
    assert from_dict(Outer, {"maybe": 1}) == Outer(maybe=1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"nme": 1}, "Outer has no setting 'nme'. Did you mean 'name'\\? Known: flag, inner, kind"),
        ({"name": 1}, "Outer.name must be text, got 1"),
        ({"rate": "fast"}, "Outer.rate must be a finite number, got 'fast'"),
        ({"rate": math.inf}, "Outer.rate must be a finite number, got inf"),
        ({"rate": math.nan}, "Outer.rate must be a finite number, got nan"),
        ({"rate": True}, "Outer.rate must be a finite number, got True"),
        ({"flag": 1}, "Outer.flag must be true or false, got 1"),
        ({"kind": "c"}, "Outer.kind must be one of a, b; got 'c'"),
        ({"kind": []}, "Outer.kind must be one of a, b; got \\[\\]"),
        ({"maybe": 1.5}, "Outer.maybe must be a whole number, got 1.5"),
        ({"maybe": math.inf}, "Outer.maybe must be a whole number, got inf"),
        ({"several": 3}, "Outer.several must be a list, got 3"),
        ({"several": [1, "b"]}, "Outer.several\\[1\\] must be a finite number, got 'b'"),
        ({"inner": {"sice": 2}}, "Outer.inner has no setting 'sice'. Did you mean 'size'"),
        ({"inner": {"size": None}}, "Outer.inner.size must be a whole number, got None"),
        ({"inner": 3}, "Outer.inner must be a table of names and values, got 3"),
        ([], "Outer must be a table of names and values"),
    ],
)
def test_wrong_data_is_refused_by_name(data: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_dict(Outer, data)


@pytest.mark.parametrize("text", ["", "{", "[1, 2", '{"a": }', "[" * 100_000])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.json is not valid JSON"):
        from_json(Outer, text, where="config.json")


def test_place_is_named_in_errors() -> None:
    with pytest.raises(ConfigError, match=r"^recipe\.name must be text"):
        from_dict(Outer, {"name": None}, where="recipe")


@pytest.mark.parametrize(("value", "fine"), [(1, True), (10, True), (0, False), (11, False)])
def test_range_includes_its_ends(value: float, *, fine: bool) -> None:
    if fine:
        check_range("size", value, 1, 10)
    else:
        with pytest.raises(ConfigError, match=f"size must be from 1 to 10, got {value}"):
            check_range("size", value, 1, 10)


def test_values_from_code_are_checked_as_well() -> None:
    with pytest.raises(ConfigError, match="name must be text, got 3"):
        Outer(name=3)  # type: ignore[arg-type]
