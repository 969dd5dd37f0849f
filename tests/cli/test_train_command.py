from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from command import TINY, Command

from resnets.errors import StoppedError
from resnets.runs.config import RunConfig
from resnets.spec import NormSpec, ResNetSpec


def test_result_is_on_stdout_and_everything_else_on_stderr(command: Command, toy: Path, tmp_path: Path) -> None:
    outcome = command("train", toy, *TINY, "--epochs", "1", "--runs", tmp_path)
    assert outcome.code == 0
    assert "Test accuracy" in outcome.out
    assert "Training on 540 images" in outcome.err
    assert "epoch   1" in outcome.err
    assert "\x1b" not in outcome.out + outcome.err


def test_json_is_one_document_and_quiet_is_quiet(command: Command, toy: Path, tmp_path: Path) -> None:
    outcome = command("train", toy, *TINY, "--epochs", 2, "--batch-size", 60, "--runs", tmp_path, "--quiet", "--json")
    content = json.loads(outcome.out)
    assert content["report"]["num_images"] == 50
    assert content["steps"] == 18
    assert outcome.err == ""


@pytest.fixture
def planned(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunConfig]:
    """The config with which a command would train MNIST."""
    configs = []

    def stop(config: RunConfig, *_: object) -> NoReturn:
        configs.append(config)
        raise StoppedError("before the first step")

    def asked(*settings: str) -> RunConfig:
        monkeypatch.setattr("resnets.runs.train.run", stop)
        assert command("train", "mnist", *TINY, *settings, "--runs", tmp_path).code == StoppedError.exit_code
        return configs.pop()

    return asked


def test_every_setting_reaches_the_config(planned: Callable[..., RunConfig]) -> None:
    settings = ("--shortcut", "C", "--bn-momentum", "0.2", "--label-smoothing", "0.2", "--rotate", "5", "--seed", "3")
    config = planned(*settings, "--epochs", "0.01")
    assert isinstance(config.spec, ResNetSpec)
    assert config.spec.shortcut == "C"
    assert config.spec.norm.momentum == 0.2
    assert config.recipe.label_smoothing == 0.2
    assert config.recipe.augmentation.rotate == 5
    assert config.recipe.epochs == 0.01
    assert config.seed == 3
    assert config.spec.in_channels == 1
    assert config.spec.num_classes == 10


def test_switches_are_set_and_unset(planned: Callable[..., RunConfig]) -> None:
    set_, unset = planned("--conv-bias", "--flip", "--native"), planned("--no-conv-bias", "--no-flip", "--no-native")
    for config, wanted in ((set_, True), (unset, False)):
        assert isinstance(config.spec, ResNetSpec)
        assert (config.spec.conv_bias, config.recipe.augmentation.flip) == (wanted, wanted)
    assert not unset.machine.native and not unset.machine.has_kernels


def test_norms_of_a_net_are_one_option(planned: Callable[..., RunConfig]) -> None:
    spec = planned("--norm", "group", "--norm-groups", "2", "--weight-standardization").spec
    assert isinstance(spec, ResNetSpec)
    assert (spec.norm, spec.weight_standardization) == (NormSpec(kind="group", groups=2), True)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["mnits"], 4, "Did you mean 'mnist'?"),
        (["mnist", "--model", "resnet19"], 3, "Did you mean 'resnet1"),
        (["mnist", "--epochs", "-1"], 3, "epochs must be from"),
        (["mnist", "--width", "0"], 3, "width must be from 1"),
        (["mnist", "--norm", "grup"], 2, "group"),
        (["mnist", "--norm", "layer", "--bn-momentum", "0.2"], 3, "norm.momentum=0.2 says nothing"),
        (
            ["mnist", "--model", "vgg11", "--stem", "small"],
            3,
            "A VGG has no setting 'stem'. Known: activation, batch_norm,",
        ),
        (["mnist", "--model", "alexnet"], 3, "at least 63x63 pixels, got 28x28. Choose another --model, e.g. resnet6"),
        (["mnist", "--pretrained", ""], 5, "No weights are named"),
        (["mnist", "--momentum", "2"], 3, "momentum must be from"),
        (["mnist", "--device", "tpu9"], 3, "no device 'tpu9'"),
        (["mnist", "--config", "x.yaml"], 3, "--config names its own data set"),
        (["--config", "x.yaml"], 3, "cannot be read"),
        (["--resume", "nowhere"], 3, "not a run folder"),
        (["--resume", "auto", "--config", "x.yaml"], 3, "give one of them"),
        (["mnist", "--shortcut", "A", "--stem-width", "64", "--width", "4"], 3, "pads channels"),
        (["mnist", *TINY, "--time", "0.001"], 3, "too short"),
    ],
)
def test_impossible_wishes_end_with_a_sentence(
    command: Command, tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    outcome = command("train", *arguments, "--runs", tmp_path / "runs")
    assert outcome.code == code, outcome
    assert text in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.glob("runs/*"))


def test_a_size_that_no_form_of_a_network_has_ends_with_one_that_does(
    command: Command, toy: Path, tmp_path: Path
) -> None:
    outcome = command("train", toy, "--model", "lenet5", "--runs", tmp_path)
    assert outcome.code == 3
    assert "image_size must be one of 28, 32; got 16. Choose another --model, e.g. resnet20" in outcome.err


def test_runs_cannot_be_made_below_a_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = command("train", "mnist", *TINY, "--epochs", "0.01", "--runs", tmp_path / "file")
    assert outcome.code == 7
    assert "Cannot write to" in outcome.err
