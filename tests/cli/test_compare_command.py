from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command import Command
from PIL import Image


def test_shows_the_papers_costs(command: Command) -> None:
    """[He 2015, section 3.3]: VGG-19 has 19.6 G multiply-adds, the plain and the residual net of 34 layers 3.6 G."""
    out = command("compare", "plain34", "resnet34", "vgg19").out
    rows = {line.split()[0]: line.split() for line in out.splitlines()[1:4]}
    assert rows["vgg19"][:6] == ["vgg19", "19", "3x224x224", "143.67", "19.632", "39.264"]
    assert rows["plain34"][4] == "3.644"
    assert rows["resnet34"][4] == "3.664"
    assert "1 MAC = 2 FLOPs" in out
    assert "Memory at 32 images, trained with sgd" in out


def test_json_has_all_in_full(command: Command) -> None:
    content = json.loads(command("compare", "vgg16", "resnet50_v1", "--batch", "2", "--json").out)
    vgg, resnet = content["models"]
    assert (vgg["parameters"], vgg["macs"], vgg["flops"]) == (138_357_544, 15_470_264_320, 30_940_528_640)
    assert (vgg["receptive_field"], resnet["receptive_field"]) == (212, 483)
    memory = resnet["memory"]
    assert memory["training"] == sum(memory[key] for key in ("weights", "gradients", "optimizer_state", "saved"))
    assert memory["batch_size"] == 2
    assert vgg["latency"] is None


def test_csv_is_csv_and_a_name_given_twice_counts_once(command: Command) -> None:
    out = command("compare", "resnet20", "perceptron", "resnet20", "--out", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["name"] for row in rows] == ["resnet20", "perceptron"]
    assert rows[0]["input"] == "3x32x32"
    assert rows[1]["receptive_field"] == ""


def test_time_is_measured_if_asked_for(command: Command) -> None:
    outcome = command("compare", "lenet5", "resnet6", "--time")
    assert "Time of one image: median of 7 passes on" in outcome.out
    content = json.loads(command("compare", "lenet5", "--time", "--json").out)
    latency = content["models"][0]["latency"]
    assert 0 < latency["fastest"] <= latency["median"] <= latency["slowest"]


def test_all_can_be_given_one_image(command: Command) -> None:
    content = json.loads(command("compare", "resnet20", "cifar_vgg16_bn", "--input", "1x40x36", "--json").out)
    assert [row["input_shape"] for row in content["models"]] == [[1, 40, 36]] * 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_is_drawn(command: Command, tmp_path: Path, theme: str) -> None:
    names = ("plain20", "resnet20", "nin", "lenet5")
    outcome = command("compare", *names, "--picture", tmp_path / "cost.png", "--theme", theme)
    assert outcome.code == 0
    assert "cost.svg" in outcome.err
    with Image.open(tmp_path / "cost.png") as image:
        corner = image.convert("RGB").getpixel((2, 2))
    assert corner == {"light": (255, 255, 255), "dark": (13, 17, 23)}[theme]
    assert (tmp_path / "cost.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_a_trained_model_stands_beside_others(command: Command, trained: Path) -> None:
    content = json.loads(command("compare", trained, "lenet5", "--json").out)
    assert content["models"][0]["name"] == str(trained)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 3, "Name the networks to compare"),
        (("resnet35",), 3, "There is no network 'resnet35'. Did you mean 'resnet"),
        (("resnet20", "--batch", "0"), 3, "--batch must be from 1 to 65,536"),
        (("resnet20", "--picture", "cost.jpg"), 3, "--picture must end in .png or .svg, got 'cost.jpg'"),
        (("resnet20", "vgg16", "--input", "3x20x20"), 3, "vgg16: The network needs images of at least 32x32 pixels"),
        (("resnet20", "--input", "3x0x4"), 3, "resnet20: An input shape is channels, height and width"),
    ],
)
def test_bad_input_is_refused(command: Command, arguments: tuple[str, ...], code: int, message: str) -> None:
    outcome = command("compare", *arguments)
    assert outcome.code == code
    assert message in outcome.err
