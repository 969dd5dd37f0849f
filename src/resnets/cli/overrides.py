"""Command-line options made from a value's fields: name, type, default and text are written once, in the value."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Optional, get_type_hints

from cyclopts import Group, Parameter, Token

from resnets import values

Convert = Callable[[str], Any]
_DOCUMENTED = re.compile(r'^    (\w+): .*\n(?:    [ )].*\n)*    """(\S(?:.|\n)*?)"""', re.MULTILINE)
"""A field, in one line or more, and the docstring under it."""
_UNITS = {"s": 1, "m": 60, "h": 3600}


def options_of(
    value: type,
    fields: Collection[str],
    group: str,
    *,
    shown: Collection[str] | None = None,
    names: Mapping[str, str] | None = None,
    converters: Mapping[str, Convert] | None = None,
    relatives: Mapping[type, Collection[str]] | None = None,
) -> Any:
    """A data class of the given fields of `value`, all None until the user sets them.

    Args:
        value: a frozen value.
        fields: which of its fields become options.
        group: heading in the help.
        shown: which of these the short help lists, all if not said; `--help-all` lists all.
        names: options that are not called like their field.
        converters: from an option's word to its value, where the field's type does not say it.
        relatives: other values that may stand in the place of `value`, and the fields that they alone have.
    """
    members = []
    heading = Group(group)
    for owner, own in ({value: fields} | dict(relatives or {})).items():
        hints, texts = values.hints_of(owner), field_texts(owner)
        defaults = {field.name: field.default for field in dataclasses.fields(owner)}
        for name in own:
            convert = (converters or {}).get(name)
            option = Parameter(
                name=f"--{(names or {}).get(name, name).replace('_', '-')}",
                help=texts[name] + _default_text(defaults[name], is_changed=shown is not None),
                group=heading,
                show=shown is None or name in shown,
                show_default=False,
                negative_iterable=(),
                converter=from_tokens(convert) if convert else None,
                n_tokens=1 if convert else None,
            )
            members.append((name, Annotated[Optional[hints[name]], option], dataclasses.field(default=None)))  # noqa: UP045
    made = dataclasses.make_dataclass(
        f"{value.__name__}Options",
        members,
        namespace={"__doc__": f"{group}, as far as the user set them."},  # else its signature is formatted for it
        frozen=True,
        kw_only=True,
        eq=False,
        repr=False,
    )
    made.__module__ = value.__module__  # cyclopts opens up only classes that are not of the standard library
    return Parameter(name="*")(made)


def given(options: Any) -> dict[str, Any]:
    """The fields that the user set."""
    return {name: item for name, item in vars(options).items() if item is not None}


def all_options(*option_classes: type) -> str:
    """Every option of some `options_of` with its text, under their headings."""
    lines: list[str] = []
    for options in option_classes:
        hints = get_type_hints(options, include_extras=True)
        parameters = [
            next(item for item in hint.__metadata__ if isinstance(item, Parameter)) for hint in hints.values()
        ]
        lines += ["", f"{_heading(parameters[0])}:"]
        for parameter in parameters:
            lines.append(f"  {next(iter(parameter.name or ()))}")
            lines += textwrap.wrap(parameter.help or "", 78, initial_indent="      ", subsequent_indent="      ")
    return "\n".join(lines)


def _heading(parameter: Parameter) -> str:
    groups = parameter.group if isinstance(parameter.group, tuple) else ()
    return next((group.name for group in groups if isinstance(group, Group)), "Options")


def field_texts(value: type) -> dict[str, str]:
    """The docstring under each field of a value and its bases, without its source in brackets."""
    texts: dict[str, str] = {}
    for base in reversed(value.__mro__):
        if dataclasses.is_dataclass(base):
            texts |= _own_field_texts(base)
    return texts


def _own_field_texts(value: type) -> dict[str, str]:
    body = re.search(rf"^class {value.__name__}\b.*?(?=^\S|\Z)", _source(value.__module__), re.MULTILINE | re.DOTALL)
    texts = _DOCUMENTED.findall(body[0]) if body else []
    return {field: " ".join(text.partition("    [")[0].replace("`", "").split()) for field, text in texts}


@cache
def _source(module: str) -> str:
    """A module as it is written. Its syntax tree is not made: it would take longer than all else that a text needs."""
    return inspect.getsource(sys.modules[module])


def _default_text(default: Any, *, is_changed: bool) -> str:
    """What an option that is left out means; nothing where a preset or a model decides."""
    is_told = not is_changed and default not in (None, dataclasses.MISSING)
    return f" [default: {default}]" if is_told else ""


def from_tokens(convert: Convert) -> Any:
    """A converter of a single word, as the library wants it."""

    def converted(hint: Any, tokens: Sequence[Token]) -> Any:  # noqa: ARG001 - the library's signature
        return convert(tokens[0].value)

    return converted


def seconds(text: str) -> float:
    """'90', '90s', '2m' or '1.5h' in seconds.

    Raises:
        ValueError: if it is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match:
        raise ValueError(f"'{text}' is not a time; write 90s, 2m or 1.5h.")
    return float(match[1]) * _UNITS[match[2] or "s"]


def fraction(text: str) -> float:
    """'1%' or '0.01' as 0.01.

    Raises:
        ValueError: if it is neither.
    """
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is not a part of the whole; write 1% or 0.01.") from error


def size(hint: Any, tokens: Sequence[Token]) -> tuple[int, ...]:  # noqa: ARG001 - the library's signature
    """'3x224x224' as (3, 224, 224).

    Raises:
        ValueError: if it is not three whole numbers.
    """
    match = re.fullmatch(r"(\d{1,6})x(\d{1,6})x(\d{1,6})", tokens[0].value)
    if not match:
        raise ValueError(f"'{tokens[0].value}' is not a size; write channels x height x width, e.g. 3x224x224.")
    return tuple(map(int, match.groups()))
