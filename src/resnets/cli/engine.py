"""The engine that a command runs a network by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resnets.inference.engines import Engine


def usable(engine: Engine) -> Engine:
    """The engine asked for, or torch where it does not run, which is said in one sentence."""
    from resnets.cli.console import message_console
    from resnets.native.library import status

    reason = status().reason
    if engine == "native" and status().variant is None:
        message_console().print(f"The native engine does not run here: {reason}; PyTorch answers instead.")
        return "torch"
    return engine
