from __future__ import annotations

import subprocess
import sys

import pytest
from command import Command

import resnets
from resnets.cli.app import JOBS

NO_TORCH = """
import sys
from resnets.cli.app import main
try:
    main({arguments!r})
except SystemExit as stop:
    heavy = ["torch", "matplotlib", "numpy", "PIL", "resnets.spec.densenet", "resnets.spec.inception.tables"]
    heavy += ["rich.console", "cyclopts.help"] if stop.code else []  # which print the help
    print("heavy:", [name for name in heavy if name in sys.modules])
    raise
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["--version"], 0), (["train", "--help"], 0), (["train", "--epoch", "3"], 2), (["trian"], 2)],
)
def test_help_version_and_usage_errors_load_nothing_heavy(arguments: list[str], code: int) -> None:
    script = NO_TORCH.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "heavy: []" in done.stdout


def test_version_is_the_packages(command: Command) -> None:
    assert command("--version").out.strip() == resnets.__version__


def test_no_arguments_is_help(command: Command) -> None:
    outcome = command()
    assert outcome.code == 0
    assert all(job in outcome.out for job in JOBS)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["trian"], "no command 'trian'. Did you mean 'train'?"),
        (["train", "--epoch", "3"], "Did you mean --epochs"),
        (["train", "--epochs", "many"], "--epochs"),
        (["train", "--time", "soon"], "is not a time; write 90s, 2m or 1.5h"),
        (["show", "resnet18", "--input", "3x5"], "is not a size"),
        (["train", "--preset", "god"], "good"),
    ],
)
def test_usage_errors_are_one_sentence_with_what_to_do(command: Command, arguments: list[str], text: str) -> None:
    outcome = command(*arguments)
    assert outcome.code == 2
    assert text in outcome.err
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("job", JOBS)
def test_every_command_has_help_that_fits(command: Command, job: str) -> None:
    outcome = command(job, "--help")
    assert outcome.code == 0
    assert "Usage" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_all_options_are_listed_on_request(command: Command) -> None:
    short, whole = command("train", "--help").out, command("train", "--help-all").out
    for option in ("--label-smoothing", "--shortcut", "--bn-momentum", "--erase", "--ema-decay"):
        assert option not in short
        assert option in whole


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    from resnets.cli.app import main
    from resnets.errors import ConfigError

    with pytest.raises(ConfigError):
        main(["show", "resnet19", "--debug"])
