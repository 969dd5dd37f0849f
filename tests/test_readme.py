"""What the READMEs show works: the example runs, commands and options exist, links and folders are there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from resnets.cli.app import make_app

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
BOTH = pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=lambda path: path.name)

DRAWN_LATER = {"docs/pictures/result.png", "docs/benchmarks.md"}
"""Made by training runs and by `make bench`, hence not on every checkout."""
TRAINED_LATER = {"src/resnets/pretrained"}
"""As above."""


def text(readme: Path) -> str:
    return readme.read_text(encoding="utf-8")


def blocks(readme: Path, language: str) -> list[str]:
    """The fenced code of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text(readme), re.M | re.S)


def prose(readme: Path) -> str:
    return re.sub(r"^```.*?^```$", "", text(readme), flags=re.M | re.S)


def commands(readme: Path) -> Iterator[list[str]]:
    """The words of every `resnets ...` in shell blocks and between backticks."""
    shell = "".join(blocks(readme, "sh")).splitlines()
    for line in [*shell, *re.findall(r"`(resnets [^`]+)`", prose(readme))]:
        words = shlex.split(line, comments=True)
        if words and words[0] == "resnets":
            yield words[1:]


def check(words: list[str]) -> None:
    """Parse a command without running it."""
    words = ["--help" if word == "--help-all" else word for word in words]
    make_app(words[0]).parse_args(words, exit_on_error=False, print_error=False)


def tree(readme: Path) -> list[str]:
    """The paths of the folder tree, in order; an indented name belongs to the folder above it."""
    (drawing,) = blocks(readme, "text")
    parents: list[str] = []
    paths = []
    for line in drawing.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth:] = [name]
        paths.append("".join(parents).rstrip("/"))
    return paths


def figures(readme: Path) -> list[tuple[str, list[str]]]:
    """Of each row of the table: the command that prints its figures, and these."""
    (table,) = re.findall(r"<!-- figures -->\n(.*?)<!-- /figures -->", text(readme), re.S)
    rows = [row.split("|") for row in table.splitlines()[2:]]
    return [(row[3].strip(" `"), re.findall(r"\d[\d,]*(?:\.\d+)?", row[2])) for row in rows]


@pytest.mark.slow
def test_the_python_example_learns_more_than_chance(tmp_path: Path) -> None:
    (example,) = blocks(ENGLISH, "python")
    script = f"import torch\ntorch.set_num_threads(1)\n{example}\nassert report.accuracy > 0.5\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d\d\.\d% of 10000 digits are read rightly\n", done.stdout)
    assert not list(tmp_path.iterdir())


@BOTH
def test_commands_exist_with_their_options(readme: Path) -> None:
    asked = list(commands(readme))
    assert {words[0] for words in asked} >= {"train", "predict", "show", "eval", "models", "demo", "bench"}
    for words in asked:
        check(words)


@pytest.mark.parametrize("line", ["trian mnist", "train --epoch 3", "show", "bench mnits", "eval digits --part all"])
def test_a_command_that_does_not_exist_would_be_found(line: str) -> None:
    with pytest.raises(CycloptsError):
        check(line.split())


@BOTH
def test_make_targets_exist(readme: Path) -> None:
    targets = set(re.findall(r"^(\w+):", text(ROOT / "Makefile"), re.M))
    asked = re.findall(r"^make (\w+)|`make (\w+)`", text(readme), re.M)
    assert asked
    assert {"".join(names) for names in asked} <= targets


@BOTH
def test_relative_links_lead_somewhere(readme: Path) -> None:
    links = {link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", prose(readme)) if "://" not in link}
    missing = {link for link in links if not (ROOT / link).exists()}
    assert missing <= DRAWN_LATER


@BOTH
def test_every_path_of_the_tree_is_there(readme: Path) -> None:
    missing = {path for path in tree(readme) if not (ROOT / path).exists()}
    assert missing <= TRAINED_LATER


@BOTH
def test_every_folder_and_file_of_the_package_is_in_the_tree(readme: Path) -> None:
    package = ROOT / "src" / "resnets"
    rooms = {path.parent for path in package.rglob("*.py")} - {package}
    files = {path for path in package.glob("*.py") if not path.name.startswith("__")}
    assert {path.relative_to(ROOT).as_posix() for path in rooms | files} <= set(tree(readme))


def test_every_figure_stands_in_the_table_of_its_command() -> None:
    tables = json.loads((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))
    checked = 0
    for command, told in figures(ENGLISH):
        if not command.startswith("resnets bench "):
            continue
        rows = json.dumps(tables[command.removeprefix("resnets bench ")]["rows"])
        found = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", rows)}
        for figure in told:
            digits = len(figure.partition(".")[2])
            assert float(figure) in {round(number, digits) for number in found}, (command, figure)
            checked += 1
    assert checked


class TestTheTwoLanguages:
    def test_show_the_same_code(self) -> None:
        for language in ("sh", "python"):
            assert blocks(ENGLISH, language) == blocks(CHINESE, language)

    def test_show_the_same_tree(self) -> None:
        assert tree(ENGLISH) == tree(CHINESE)

    def test_have_the_same_headings_links_and_commands(self) -> None:
        def skeleton(readme: Path) -> tuple[list[str], set[str], list[list[str]]]:
            links = set(re.findall(r"\]\(([^)\s]+)\)", prose(readme))) - {ENGLISH.name, CHINESE.name}
            return re.findall(r"^#+", prose(readme), re.M), links, list(commands(readme))

        assert skeleton(ENGLISH) == skeleton(CHINESE)

    def test_have_the_same_figures(self) -> None:
        assert figures(ENGLISH) == figures(CHINESE)


def test_the_example_uses_public_names_alone() -> None:
    import resnets

    (example,) = blocks(ENGLISH, "python")
    assert set(re.findall(r"resnets\.(\w+)", example)) <= set(resnets.__all__)
