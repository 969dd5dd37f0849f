"""Where output goes: the result to stdout, everything else to stderr; plain text where nobody is looking."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console

PLAIN_WIDTH = 100


def result_console() -> Console:
    """stdout, for the result."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False, width=_width(sys.stdout.isatty()))


def message_console() -> Console:
    """stderr, for everything that is not the result."""
    return Console(stderr=True, soft_wrap=not sys.stderr.isatty(), highlight=False, width=_width(sys.stderr.isatty()))


def is_live(console: Console) -> bool:
    """Whether a display that redraws itself makes sense: a terminal, not a log of a build."""
    is_build = os.environ.get("CI", "").lower() in ("1", "true")
    return console.is_terminal and not console.is_dumb_terminal and not is_build


def print_json(content: Mapping[str, Any] | list[Any]) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _width(is_terminal: bool) -> int | None:  # noqa: FBT001 - private, called in two places above
    """None: as wide as the terminal is."""
    return None if is_terminal else PLAIN_WIDTH
