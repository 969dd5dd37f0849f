"""The errors a user can cause: each says what happened, where, and what to do.

The command line prints the message alone and exits with the class's `exit_code`; docs/errors.md lists the codes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class ResnetsError(Exception):
    """Any error that this package raises on purpose."""

    exit_code: ClassVar[int] = 1


class ConfigError(ResnetsError, ValueError):
    """A spec, a recipe or an option that is unknown, impossible or contradicts another."""

    exit_code = 3


class DataError(ResnetsError):
    """A data set that is missing, empty, damaged or not what it claims to be."""

    exit_code = 4


class ImageError(DataError):
    """One image file that cannot be read as an image."""


class ModelFileError(ResnetsError):
    """A model folder or a checkpoint that is missing, damaged or of another kind."""

    exit_code = 5


class DivergedError(ResnetsError):
    """Training produced a loss that is not a finite number."""

    exit_code = 6


class ResourceError(ResnetsError):
    """Disk or memory ran out, or a folder cannot be written."""

    exit_code = 7


class StoppedError(ResnetsError):
    """Training was stopped by Ctrl-C, and has saved its state."""

    exit_code = 130


class TerminatedError(StoppedError):
    """Training was stopped by SIGTERM, and has saved its state."""

    exit_code = 143


def suggestion(word: str, known: Iterable[str]) -> str:
    """The question whether a known word was meant, if one is close to the unknown one; else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
