"""The library's plain help, loaded when help is printed: a usage error needs none of it, and is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from cyclopts.help.formatters import PlainFormatter
    from rich.console import Console, ConsoleOptions


class PlainHelp:
    """Prints each part of a help page as `PlainFormatter` does."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """A heading with its commands or options."""
        _formatter()(console, options, panel)

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """The line of usage."""
        _formatter().render_usage(console, options, usage)

    def render_description(self, console: Console, options: ConsoleOptions, description: Any) -> None:
        """What the command does."""
        _formatter().render_description(console, options, description)


def _formatter() -> PlainFormatter:
    from cyclopts.help.formatters import PlainFormatter

    return PlainFormatter()
