from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import TINY, Command


def test_a_run_is_measured_on_the_test_set_it_belongs_to(command: Command, trained: Path) -> None:
    content = json.loads(command("eval", trained, "--json").out)
    stored = json.loads((trained / "result.json").read_text())
    assert content["part"] == "test"
    assert content["num_images"] == 10_000
    assert content["accuracy"] == stored["report"]["accuracy"]
    assert content["top_k"] == 5


def test_every_engine_measures_the_same(command: Command, trained: Path) -> None:
    found = [
        json.loads(command("eval", trained, "--part", "validation", "--json", "--engine", engine).out)
        for engine in ("auto", "torch")
    ]
    assert found[0]["accuracy"] == found[1]["accuracy"]
    assert found[0]["loss"] == pytest.approx(found[1]["loss"], rel=1e-4)


def test_views_are_averaged_where_the_model_or_the_user_says_so(command: Command, tmp_path: Path, toy: Path) -> None:
    train = ("train", toy, *TINY, "--epochs", 1, "--tta-scale", 0.2, "--json", "--runs", tmp_path)
    result = json.loads(command(*train).out)
    assert result["num_views"] == 3

    def evaluated(*options: object) -> tuple[float, int]:
        content = json.loads(command("eval", result["folder"], "--json", *options).out)
        return content["accuracy"], content["num_views"]

    assert evaluated() == (result["report"]["accuracy"], 3)
    assert evaluated("--no-tta") == (result["one_view_accuracy"], 1)
    assert evaluated("--tta-rotate", 5)[1] == 5
    assert "the mean of 3 views" in command("eval", result["folder"]).out
    assert "views" not in command("eval", result["folder"], "--no-tta").out
    assert command("eval", result["folder"], "--no-tta", "--tta-flip").code == 3


def test_text_has_classes_interval_and_calibration(command: Command, trained: Path) -> None:
    out = command("eval", trained / "model").out
    for word in ("95 % interval", "precision", "recall", "F1", "calibration error", "Most confused", "top-5"):
        assert word in out


def test_k_is_never_above_the_class_count(command: Command, trained: Path) -> None:
    content = json.loads(command("eval", trained, "--top-k", 50, "--json").out)
    assert content["top_k"] == 10
    assert content["top_k_accuracy"] == 1.0


def test_validation_part_is_the_one_of_the_training(command: Command, trained: Path) -> None:
    content = json.loads(command("eval", trained, "--part", "validation", "--json").out)
    stored = json.loads((trained / "result.json").read_text())
    assert content["num_images"] == 5_000
    assert content["accuracy"] == stored["validation_accuracy"]


def test_pictures_are_drawn(command: Command, trained: Path, tmp_path: Path) -> None:
    assert command("eval", trained, "--pictures", tmp_path / "report").code == 0
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"confusion.png", "confusion.svg", "reliability.png", "mistakes.svg"} <= names


def test_missing_damaged_and_foreign_models(command: Command, trained: Path, tmp_path: Path) -> None:
    assert command("eval", tmp_path / "nothing").code == 5
    assert command("eval", tmp_path).code == 5
    copy = tmp_path / "model"
    copy.mkdir()
    for file in (trained / "model").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-7] ^= 1
    weights.write_bytes(content)
    outcome = command("eval", copy)
    assert outcome.code == 5
    assert "damaged: model.safetensors is not the file that was saved" in outcome.err


def test_unknown_data_set(command: Command, trained: Path) -> None:
    outcome = command("eval", trained, "mnits")
    assert outcome.code == 4
    assert "mnist" in outcome.err
