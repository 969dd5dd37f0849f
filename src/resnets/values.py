"""Frozen values of plain types: to a dictionary and back, with every unknown key and wrong type refused by name."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from resnets.errors import ConfigError, suggestion

Value = TypeVar("Value")
LARGEST = 1e300
"""No setting is larger; infinity, NaN and whole numbers that no float can hold are refused with it."""
hints_of: Callable[[type], Mapping[str, Any]] = cache(get_type_hints)
"""Class -> field -> its declared type. Kept, as evaluating the text of annotations takes longer than making a value."""


def to_dict(value: Any) -> dict[str, Any]:
    """The value as nested dictionaries and lists, ready for JSON or YAML."""
    return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}


def to_json(value: Any) -> str:
    """The value as one line of JSON with sorted keys: equal values give equal text."""
    return json.dumps(to_dict(value), sort_keys=True, allow_nan=False)


def from_dict(cls: type[Value], data: Mapping[str, Any], where: str = "") -> Value:
    """The value that `to_dict` wrote; missing keys take their defaults.

    Raises:
        ConfigError: if a key is unknown, a value has the wrong type, or the value contradicts itself.
    """
    place = where or cls.__name__
    if not isinstance(data, Mapping):
        raise ConfigError(f"{place} must be a table of names and values, got {data!r}.")
    hints = hints_of(cls)
    known = {field.name for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            hint = suggestion(str(key), known)
            raise ConfigError(f"{place} has no setting '{key}'.{hint} Known: {', '.join(sorted(known))}.")
    arguments = {key: coerce(hints[key], item, f"{place}.{key}") for key, item in data.items()}
    return cls(**arguments)


def from_json(cls: type[Value], text: str, where: str = "") -> Value:
    """The value that `to_json` wrote.

    Raises:
        ConfigError: as `from_dict`, or if the text is not JSON.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a whole number of thousands of digits
        raise ConfigError(f"{where or cls.__name__} is not valid JSON: {error}.") from error
    return from_dict(cls, data, where)


def check_types(value: Any) -> None:
    """Bring each field of a frozen value to its declared type, so that a value from code equals one read from JSON.

    Raises:
        ConfigError: if a field holds something of another type.
    """
    hints = hints_of(type(value))
    for item in dataclasses.fields(value):
        object.__setattr__(value, item.name, coerce(hints[item.name], getattr(value, item.name), item.name))


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number outside [least, most].

    Raises:
        ConfigError: with the name, the value and what is allowed.
    """
    if not least <= value <= most:
        raise ConfigError(f"{name} must be from {least:,} to {most:,}, got {value:,}.")


def check_fraction(name: str, value: float) -> None:
    """Refuse a number that is not a part of a whole: at least 0 and below 1.

    Raises:
        ConfigError: with the name, the value and what is allowed.
    """
    if not 0 <= value < 1:
        raise ConfigError(f"{name} must be at least 0 and below 1, got {value}.")


def coerce(hint: Any, item: Any, where: str) -> Any:
    """`item` as the type that a field declares: JSON's lists become tuples and its whole numbers floats.

    Raises:
        ConfigError: if `item` is of another type.
    """
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _coerce_union(options, item, where)
    if origin is Literal:
        if item not in options or isinstance(item, bool) != any(isinstance(option, bool) for option in options):
            close = suggestion(str(item), [str(option) for option in options])
            raise ConfigError(f"{where} must be one of {', '.join(map(str, options))}; got {item!r}.{close}")
        return item
    if origin is tuple:
        if not isinstance(item, (list, tuple)):
            raise ConfigError(f"{where} must be a list, got {item!r}.")
        return tuple(coerce(options[0], element, f"{where}[{place}]") for place, element in enumerate(item))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return item if isinstance(item, hint) else from_dict(hint, item, where)
    return _coerce_scalar(hint, item, where)


def _plain(item: Any) -> Any:
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return to_dict(item)
    if isinstance(item, (tuple, list)):
        return [_plain(element) for element in item]
    return item


def _coerce_union(options: tuple[Any, ...], item: Any, where: str) -> Any:
    if item is None and type(None) in options:
        return None
    wanted = [option for option in options if option is not type(None)]
    return coerce(wanted[0] if len(wanted) == 1 else _chosen(wanted, item, where), item, where)


def _chosen(classes: Sequence[type], item: Any, where: str) -> type:
    """The class that an item of a union belongs to: its own, or the one that its key `family` names.

    Without the key it is the first, so that what was written before there were others can still be read.
    """
    if type(item) in classes or not isinstance(item, Mapping):
        return type(item) if type(item) in classes else classes[0]
    families = {get_args(hints_of(option)["family"])[0]: option for option in classes}
    family = item.get("family", next(iter(families)))
    if family not in families:
        hint = suggestion(str(family), families)
        raise ConfigError(f"{where}.family must be one of {', '.join(families)}; got {family!r}.{hint}")
    return families[family]


def _coerce_scalar(hint: Any, item: Any, where: str) -> Any:
    is_number = isinstance(item, (int, float)) and not isinstance(item, bool) and abs(item) <= LARGEST
    if hint is float and is_number:
        return float(item)
    if hint is int and is_number and item == int(item):
        return int(item)
    if hint in (str, bool) and isinstance(item, hint):
        return item
    if hint is Any:
        return item
    wanted = {float: "a finite number", int: "a whole number", str: "text", bool: "true or false"}[hint]
    raise ConfigError(f"{where} must be {wanted}, got {item!r}.")
