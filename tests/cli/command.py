"""Runs the command in this process, as a shell would see it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from resnets.cli.app import main

TINY = ("--model", "resnet20", "--num-blocks", "1", "--width", "4", "--stem", "pooled", "--threads", "1")
"""A network that trains in seconds."""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Command:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Outcome:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return Outcome(int(stop.value.code or 0), captured.out, captured.err)
