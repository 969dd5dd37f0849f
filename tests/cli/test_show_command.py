from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command import Command


def test_table_has_a_row_a_block_and_the_totals_of_the_paper(command: Command) -> None:
    out = command("show", "resnet50_v1").out
    assert out.count("bottleneck ") >= 16
    assert "S4U3" in out
    assert "25,557,032 parameters, 3,857,973,248 MACs" in out
    assert "1 MAC = 2 FLOPs" in out


def test_brackets_are_shown_as_they_are(command: Command) -> None:
    out = command("show", "densenet_bc100_12").out
    assert "units y = [x, H(x)]" in out
    assert "(287.930 M; 1 MAC = 2 FLOPs)" in out


def test_json_adds_up(command: Command) -> None:
    content = json.loads(command("show", "resnet20", "--json").out)
    assert sum(row["parameters"] for row in content["rows"]) == content["total"]["parameters"] == 269_722
    assert [row["label"] for row in content["rows"]][:3] == ["stem", "S1U1", "S1U2"]


def test_csv_is_csv(command: Command) -> None:
    rows = list(csv.DictReader(io.StringIO(command("show", "resnet18", "--out", "csv").out)))
    assert rows[0]["input"] == "3x224x224"
    assert len(rows) == 10


def test_settings_and_input_change_the_structure(command: Command) -> None:
    out = command("show", "resnet20", "--shortcut", "B", "--input", "1x28x28", "--num-classes", "3").out
    assert "1x28x28" in out
    content = json.loads(command("show", "resnet20", "--shortcut", "B", "--json").out)
    assert content["total"]["parameters"] == 272_474


@pytest.mark.parametrize(
    ("model", "options", "line"),
    [
        ("lenet5", ("--image-size", "28"), "for an input of 1x28x28"),
        ("convnext_tiny", ("--patch-size", "2"), "for an input of 3x32x32"),
        ("inception_v3", (), "parameters of auxiliary heads"),
        ("vgg11", ("--pooled-size", "1", "--round-up", "--input", "3x28x28"), "for an input of 3x28x28"),
    ],
)
def test_settings_of_other_families_are_options(
    command: Command, model: str, options: tuple[str, ...], line: str
) -> None:
    assert line in command("show", model, *options).out


def test_a_switch_that_a_network_has_set_can_be_unset(command: Command) -> None:
    assert "parameters of auxiliary heads" not in command("show", "inception_v3", "--no-auxiliary").out


def test_a_setting_of_another_family_is_refused(command: Command) -> None:
    outcome = command("show", "resnet18", "--patch-size", "2")
    assert outcome.code == 3
    assert "A ResNet has no setting 'patch_size'." in outcome.err


def test_a_trained_model_shows_its_own_structure(command: Command, trained: Path) -> None:
    assert "S1U1" in command("show", trained).out


def test_unknown_network_is_an_error_with_a_suggestion(command: Command) -> None:
    outcome = command("show", "resnet19")
    assert outcome.code == 3
    assert "There is no network 'resnet19'. Did you mean 'resnet1" in outcome.err


def test_depth_that_is_not_6n_plus_2(command: Command) -> None:
    outcome = command("show", "cifar_resnet21")
    assert outcome.code == 3
    assert "6n+2" in outcome.err


def test_input_too_small_or_with_wrong_channels(command: Command) -> None:
    outcome = command("show", "resnet18", "--input", "3x8x8")
    assert outcome.code == 3
    assert "at least" in outcome.err


def test_impossible_numbers_are_refused_before_anything_is_built(command: Command) -> None:
    for option, value, text in (
        ("--num-classes", "1000000000", "num_classes must be from 1 to 1,000,000"),
        ("--width", "0", "width must be from 1"),
    ):
        outcome = command("show", "resnet18", option, value)
        assert outcome.code == 3
        assert text in outcome.err
