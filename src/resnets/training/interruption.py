"""Ctrl-C and SIGTERM end a training between two steps, never inside one."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

from typing_extensions import Self


class Interruption:
    """While open, the first SIGINT or SIGTERM only sets `signal`; a second one acts at once, as it would without us.

    Outside the main thread signals cannot be caught, and nothing is changed.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's signature
        self.signal = signal.Signals(number)
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._previous[number] = signal.signal(number, self._note)
            except ValueError:  # not the main thread
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
