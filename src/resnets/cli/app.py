"""The `resnets` command: finds the job, prints its errors as one sentence, exits with the documented code."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from cyclopts import App, CycloptsError, Group, UnknownCommandError

import resnets
from resnets.cli.plain_help import PlainHelp
from resnets.errors import ResnetsError, suggestion

USAGE_ERROR = 2
OUT_OF_RESOURCES = 7
BUG = 1
CTRL_C = 130

HELP = """Residual networks: build, train, look inside, use.

  resnets train mnist                 a network that reads digits, in a minute
  resnets predict digits photo.png    what digit is this?
  resnets show resnet50               every block of a network
"""

EPILOGUE = """Everywhere: --json prints one JSON object, --debug the traceback of an error.
Exit codes: 0 ok, 1 bug, 2 usage, 3 config, 4 data, 5 model file, 6 diverged,
7 disk or memory, 130 Ctrl-C, 143 SIGTERM."""

JOBS = {
    "train": "Train a network on digits, CIFAR or a folder of photos.",
    "eval": "Measure a trained model on a data set.",
    "predict": "Name what is in pictures.",
    "import": "Make a model of weights that another library trained.",
    "export-weights": "Write a model's weights under another library's names.",
    "show": "The structure of a network, block by block.",
    "compare": "Networks side by side: cost, receptive field, memory, time.",
    "models": "The catalogue of networks.",
    "env": "This machine: versions, cores, kernels and why they are used.",
    "bench": "Measure speed and accuracy on this machine.",
    "demo": "Train, evaluate, predict and draw: the whole tour.",
}
"""Command -> its line in the overview. Its code is loaded only when it runs, and then its docstring is its help."""


def make_app(asked: str = "") -> App:
    """The command with its jobs; `asked` is the job on the command line, if any."""
    app = App(
        name="resnets",
        version=resnets.__version__,
        help=HELP,
        help_epilogue="" if asked in JOBS else EPILOGUE,
        help_format="plaintext",
        help_formatter=PlainHelp(),
        group_parameters=Group("Options"),
        error_console=object(),  # type: ignore[arg-type]  # errors are printed here: a console would load rich, 35 ms
    )
    for name, text in JOBS.items():
        file = f"{name.replace('-', '_')}_command"
        app.command(f"resnets.cli.{file}:{file}", name=name, help=None if name == asked else text)
    return app


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command line and exit."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_debugging = "--debug" in words
    words = [word for word in words if word != "--debug"] or ["--help"]
    is_asking_for_all = "--help-all" in words
    spelled = {"--help-all": "--help", "-": "stdin:"}  # the parser would take a lone hyphen for an option
    words = [spelled.get(word, word) for word in words]
    try:
        make_app(words[0])(words, exit_on_error=False, print_error=False, result_action="return_value")
    except Exception as error:
        if is_debugging:
            raise
        sys.exit(_explain(error))
    except KeyboardInterrupt:
        sys.exit(CTRL_C)
    if is_asking_for_all and words[0] in ("train", "show"):
        _print_all_options()
    sys.exit(0)


def _print_all_options() -> None:
    from resnets.cli.options import help_all

    print(help_all())  # noqa: T201 - help is a result


def _explain(error: Exception) -> int:
    """Print what happened on stderr; the exit code."""
    if isinstance(error, BrokenPipeError):  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    code, text = _code_and_text(error)
    print(f"resnets: {text}", file=sys.stderr)  # noqa: T201 - the one place that prints errors
    return code


def _code_and_text(error: Exception) -> tuple[int, str]:
    if isinstance(error, UnknownCommandError):  # the library's own text would load the code of every command
        asked = (error.unused_tokens or [""])[0]
        return USAGE_ERROR, f"There is no command '{asked}'.{suggestion(asked, JOBS)} See `resnets --help`."
    if isinstance(error, CycloptsError):
        return USAGE_ERROR, f"{error} See `resnets --help`."
    if isinstance(error, ResnetsError):
        return error.exit_code, str(error)
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return OUT_OF_RESOURCES, "Out of memory; try a smaller --batch-size, --size or model."
    if isinstance(error, OSError):
        return OUT_OF_RESOURCES, f"The system refused: {error}."
    return BUG, f"This is a bug: {type(error).__name__}: {error}. Run again with --debug to see where."
