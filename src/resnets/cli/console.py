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
    return _console(is_terminal=sys.stdout.isatty(), stderr=False)


def message_console() -> Console:
    """stderr, for everything that is not the result."""
    return _console(is_terminal=sys.stderr.isatty(), stderr=True)


def is_live(console: Console) -> bool:
    """Whether a display that redraws itself makes sense: a terminal, not a log of a build."""
    is_build = os.environ.get("CI", "").lower() in ("1", "true")
    return console.is_terminal and not console.is_dumb_terminal and not is_build


def print_json(content: Mapping[str, Any] | list[Any]) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _console(*, is_terminal: bool, stderr: bool) -> Console:
    """Text as it is: a file called `[red].png` and a unit `[x, H(x)]` are no markup. A terminal has its own width."""
    width = None if is_terminal else PLAIN_WIDTH
    return Console(stderr=stderr, soft_wrap=not is_terminal, highlight=False, markup=False, width=width)
