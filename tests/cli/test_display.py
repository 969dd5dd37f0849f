from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from command import TINY
from rich.console import Console

from resnets.cli.display import LiveDisplay, PlainDisplay, display
from resnets.runs.watch import Silent


def test_quiet_is_silent_and_a_pipe_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert isinstance(display(Console(), is_quiet=True), Silent)
    assert isinstance(display(Console(force_terminal=False), is_quiet=False), PlainDisplay)
    assert isinstance(display(Console(force_terminal=True), is_quiet=False), LiveDisplay)


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_a_build_or_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv(name, value)
    assert isinstance(display(Console(force_terminal=True), is_quiet=False), PlainDisplay)


def test_plain_lines_of_reading_files_end_with_the_whole_and_do_not_begin_with_the_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = PlainDisplay(Console())
    for done in range(1, 91):
        plain.reading(done, 90)
    assert capsys.readouterr().out == "read 90 of 90 files\n"


@pytest.mark.slow
def test_a_terminal_gets_a_live_line_and_an_epochs_row(tmp_path: Path, toy: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    environment.pop("CI", None)
    words = ["train", str(toy), *TINY, "--epochs", "1", "--runs", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "resnets", *words], stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other end was closed: the process is done
            break
    out, _ = process.communicate()
    assert process.returncode == 0
    text = shown.decode()
    assert "\x1b[" in text
    assert "images/s" in text
    assert "epoch   1  train loss" in text
    assert "\x1b" not in out
