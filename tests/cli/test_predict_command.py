from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Literal

import pytest
import torch
from command import Command
from PIL import Image
from rich.console import Console

from resnets.cli.picture import drawn
from resnets.data.sources import load
from resnets.native import library


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten test digits, dark on light, ten times as large, named after what they are."""
    folder = tmp_path_factory.mktemp("scans")
    test = load("mnist").test
    assert test is not None
    for digit in range(10):
        place = int((test.labels == digit).nonzero()[0])
        image = Image.fromarray(255 - test.images[place, 0].numpy()).resize((280, 280))
        image.save(folder / f"{digit}.png")
    return folder


def test_the_packaged_model_reads_all_ten(command: Command, scans: Path) -> None:
    content = json.loads(command("predict", "digits", scans, "--json").out)
    answers = {Path(row["picture"]).stem: row["answer"][0]["class"] for row in content["predictions"]}
    assert answers == {str(digit): str(digit) for digit in range(10)}
    assert all(0.5 < row["answer"][0]["probability"] <= 1 for row in content["predictions"])


def test_every_engine_gives_the_same_answers(command: Command, scans: Path) -> None:
    engines = ["auto", "torch"] + ["native"] * (library.status().variant is not None)
    answers = []
    for engine in engines:
        rows = json.loads(command("predict", "digits", scans, "--json", "--engine", engine).out)["predictions"]
        answers.append([entry["probability"] for row in rows for entry in row["answer"]])
    assert all(answer == pytest.approx(answers[0], abs=1e-4) for answer in answers)


def test_where_the_kernels_are_not_pytorch_answers_and_a_sentence_says_so(
    command: Command, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(library.SWITCH, "0")
    outcome = command("predict", "digits", scans / "3.png", "--engine", "native", "--json")
    assert outcome.code == 0
    assert outcome.err.count("\n") == 1
    assert "does not run here: switched off by RESNETS_NATIVE=0; PyTorch answers instead." in outcome.err
    assert json.loads(outcome.out)["predictions"][0]["answer"][0]["class"] == "3"


def test_table_names_each_picture(command: Command, scans: Path) -> None:
    out = command("predict", "digits", scans / "3.png").out
    assert "3.png" in out.replace("\n", "")
    assert "%" in out


def test_a_name_in_brackets_is_shown_as_it_is(
    command: Command, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("[red].png").write_bytes((scans / "7.png").read_bytes())
    assert "[red].png" in command("predict", "digits", "[red].png").out


def test_csv_has_as_many_ranks_as_asked_and_never_more_than_classes(command: Command, scans: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(command("predict", "digits", scans, "--out", "csv", "--top-k", 99).out)))
    assert len(rows) == 10
    assert len(rows[0]) == 1 + 2 * 10
    assert sum(float(share) for name, share in rows[0].items() if name.startswith("prob")) == pytest.approx(1, abs=1e-4)


def test_patterns_and_files_are_found(command: Command, scans: Path) -> None:
    content = json.loads(command("predict", "digits", scans / "[12].png", scans / "7.png", "--json").out)
    assert [Path(row["picture"]).name for row in content["predictions"]] == ["1.png", "2.png", "7.png"]


def test_standard_input_is_a_picture(command: Command, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO((scans / "5.png").read_bytes())

    monkeypatch.setattr(sys, "stdin", Input())
    content = json.loads(command("predict", "digits", "-", "--json").out)
    assert content["predictions"][0]["answer"][0]["class"] == "5"


def test_what_the_network_sees_can_be_kept_and_drawn(command: Command, scans: Path, tmp_path: Path) -> None:
    outcome = command("predict", "digits", scans / "0.png", "--seen", tmp_path / "seen", "--show")
    (seen,) = (tmp_path / "seen").iterdir()
    with Image.open(seen) as image:
        assert image.size == (28, 28)
    assert "@@" in outcome.out or "▀" in outcome.out
    assert len(outcome.out.splitlines()) <= 2 + 28, "a row of the picture is a line"


@pytest.mark.parametrize("colours", ["truecolor", None])
def test_a_picture_too_wide_for_the_terminal_is_drawn_smaller(colours: Literal["truecolor"] | None) -> None:
    console = Console(width=100, force_terminal=True, color_system=colours)
    lines = drawn(torch.full((1, 224, 224), 255, dtype=torch.uint8), console).plain.rstrip().split("\n")
    assert {len(line) for line in lines} == {60}
    assert len(lines) == 30


def test_unreadable_pictures_are_named_and_the_others_answered(command: Command, scans: Path, tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes((scans / "4.png").read_bytes())
    (tmp_path / "broken.png").write_bytes((scans / "4.png").read_bytes()[:100])
    (tmp_path / "text.png").write_text("not an image")
    outcome = command("predict", "digits", tmp_path, "--json")
    assert outcome.code == 4
    assert [row["answer"][0]["class"] for row in json.loads(outcome.out)["predictions"]] == ["4"]
    assert "broken.png" in outcome.err
    assert "text.png" in outcome.err
    assert "2 of 3 pictures could not be used" in outcome.err


@pytest.mark.parametrize(
    ("name", "text"), [("nowhere.png", "no file, folder or match"), ("", "holds no pictures"), ("*.jpg", "no file")]
)
def test_nothing_to_read_is_an_error(command: Command, tmp_path: Path, name: str, text: str) -> None:
    outcome = command("predict", "digits", tmp_path / name if name else tmp_path)
    assert outcome.code == 4
    assert text in outcome.err


def test_no_pictures_at_all(command: Command) -> None:
    outcome = command("predict", "digits")
    assert outcome.code == 4
    assert "No pictures were given" in outcome.err


def test_a_blank_page_shows_no_digit(command: Command, tmp_path: Path) -> None:
    Image.new("L", (100, 100), 255).save(tmp_path / "blank.png")
    outcome = command("predict", "digits", tmp_path / "blank.png")
    assert outcome.code == 4
    assert "blank.png" in outcome.err


def test_unknown_model_names_the_packaged_ones(command: Command, scans: Path) -> None:
    outcome = command("predict", "digit", scans)
    assert outcome.code == 5
    assert "Did you mean 'digits'?" in outcome.err
