"""One training as a whole: repeated, resumed, interrupted, killed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch

from data_files import write_idx_set
from native_oracle import watch_kernels
from resnets.artifact import load_artifact
from resnets.errors import DataError, DivergedError, ModelFileError, ResourceError
from resnets.models.catalogue import spec_of
from resnets.models.pretrained import create
from resnets.runs.config import read_yaml, to_yaml
from resnets.runs.folder import RunFolder, existing_run, new_run
from resnets.runs.plan import plan
from resnets.runs.request import Request
from resnets.runs.train import resume, run
from resnets.runs.watch import Silent
from resnets.spec import replace

NETWORK = {"num_blocks": (1,), "width": 4, "stem": "pooled"}
TINY = ("--model", "resnet20", "--num-blocks", "1", "--width", "4", "--stem", "pooled", "--threads", "1")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 5,400 noisy images to train on: steps take milliseconds, and nearly nothing is tested and drawn."""
    folder = tmp_path_factory.mktemp("data") / "toy"
    write_idx_set(folder, train=6_000, test=50, height=16, width=16)
    return folder


def request(dataset: str | Path = "mnist", **changes: object) -> Request:
    recipe = {"epochs": 0.1, "batch_size": 256, **changes}
    return Request(dataset=str(dataset), model="resnet20", network=NETWORK, recipe=recipe, threads=1)


def trained(parent: Path, asked: Request) -> RunFolder:
    config, splits = plan(asked, Silent())
    folder = new_run(parent, "tiny")
    run(config, folder, Silent(), splits)
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return trained(tmp_path_factory.mktemp("runs"), request())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> RunFolder:
    return trained(tmp_path_factory.mktemp("runs"), request(toy))


def test_the_folder_holds_what_it_promises(finished: RunFolder) -> None:
    names = {str(path.relative_to(finished.path)) for path in finished.path.rglob("*") if path.is_file()}
    for name in (
        "config.yaml",
        "env.json",
        "command.txt",
        "data.json",
        "metrics.jsonl",
        "log.txt",
        "result.json",
        "model/config.json",
        "model/model.safetensors",
        "model/README.md",
        "model/MANIFEST.json",
        *(
            f"plots/{plot}.{kind}"
            for plot in ("training", "learning-rate", "confusion", "mistakes")
            for kind in ("png", "svg")
        ),
    ):
        assert name in names, name
    assert any(name.startswith("ckpt/step-") for name in names)


def test_the_artifact_tells_how_it_was_made_and_how_good_it_is(finished: RunFolder) -> None:
    artifact = load_artifact(finished.path)
    result = json.loads((finished.path / "result.json").read_text())
    assert artifact.measured["test_accuracy"] == result["report"]["accuracy"]
    assert artifact.measured["test_images"] == 10_000
    assert artifact.made["train_images"] == 55_000
    assert artifact.preprocessing.kind == "digit"
    assert artifact.class_names == tuple("0123456789")


def test_a_stored_config_repeats_the_run_bit_for_bit(small: RunFolder, tmp_path: Path) -> None:
    config = read_yaml(small.config)
    again = new_run(tmp_path, "again")
    run(config, again)
    assert digest(again.model / "model.safetensors") == digest(small.model / "model.safetensors")
    assert digest(again.metrics) == digest(small.metrics)
    assert again.config.read_text() == small.config.read_text() == to_yaml(config)


def test_a_run_that_leaves_images_out_takes_fewer_steps(tmp_path: Path, toy: Path) -> None:
    run_folder = trained(tmp_path, request(toy, epochs=2, batch_size=100, prune=0.6))
    rows = [json.loads(row) for row in run_folder.metrics.read_text().splitlines()]
    assert [row["step"] for row in rows] == [22, 44], "of 2,160 images"


@pytest.mark.slow
@pytest.mark.usefixtures("native_kernels")
@pytest.mark.parametrize("native", [True, False])
def test_a_run_repeats_with_native_kernels_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, native: bool
) -> None:
    write_idx_set(tmp_path / "data", train=400, test=10, height=8, width=8)
    network = {"num_blocks": (1, 1), "width": 16, "stem": "small"}
    recipe = {"epochs": 1, "batch_size": 32, "ema_decay": 0.9, "accumulate": 2}
    asked = Request(dataset=str(tmp_path / "data"), model="resnet20", network=network, recipe=recipe, threads=1)
    config, _ = plan(asked, Silent())
    calls = watch_kernels(monkeypatch)
    config = dataclasses.replace(config, machine=dataclasses.replace(config.machine, native=native, channels_last=True))
    folders = [new_run(tmp_path, name) for name in ("one", "other")]
    for folder in folders:
        run(config, folder)
    assert ("weight_gradient" in calls) == native
    assert_equal_runs(folders[0], folders[1].path)


@pytest.mark.parametrize(
    ("name", "network", "settings"),
    [
        ("lenet5", {}, {"image_size": 28}),
        ("dpn68", {"num_blocks": (1, 1, 1, 1)}, {"stem": "small"}),
        ("convnext_tiny", {"num_blocks": (1, 1, 1, 1), "widths": (4, 4, 4, 4)}, {"patch_size": 2}),
        ("vgg11", {"width": 2}, {"pooled_size": 1, "hidden": (), "round_up": True}),
        ("vgg11", {"num_convs": (1, 1), "width": 2, "pooled_size": 7}, {"round_up": False}),
        ("fractalnet20", {"columns": 2, "widths": (2, 2, 2, 2, 2)}, {"round_up": True}),
    ],
)
def test_a_network_is_built_for_the_size_of_the_images(
    tmp_path: Path, name: str, network: dict[str, object], settings: dict[str, object]
) -> None:
    write_idx_set(tmp_path, train=40, test=2, height=28, width=28)
    asked = Request(dataset=str(tmp_path), model=name, network=network, threads=1, recipe={"batch_size": 4})
    config, splits = plan(asked, Silent())
    classes = len(splits.train.class_names)
    assert config.spec == replace(spec_of(name), in_channels=1, num_classes=classes, **network, **settings)


def test_weights_say_their_network_where_nobody_else_does(tmp_path: Path, toy: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "config.json").write_text('{"architecture": "resnet32"}')
    safetensors.torch.save_file(create("resnet32", seed=0).state_dict(), folder / "model.safetensors")
    asked = Request(dataset=str(toy), pretrained=str(folder), threads=1, recipe={"batch_size": 4})
    assert plan(asked, Silent())[0].model == "resnet32"
    with pytest.raises(ModelFileError, match="They fit resnet32"):
        plan(dataclasses.replace(asked, model="resnet20"), Silent())


def test_another_seed_is_another_model(small: RunFolder, tmp_path: Path) -> None:
    config = dataclasses.replace(read_yaml(small.config), seed=1)
    other = new_run(tmp_path, "other")
    run(config, other)
    assert digest(other.model / "model.safetensors") != digest(small.model / "model.safetensors")


def test_data_that_changed_are_refused_on_resume(small: RunFolder) -> None:
    facts = small.path / "data.json"
    before = facts.read_text()
    facts.write_text(re.sub(r'"sha256": "[0-9a-f]{8}', '"sha256": "00000000', before, count=1))
    with pytest.raises(DataError, match="not those that .* was started with"):
        resume(small)
    facts.write_text("{}")
    with pytest.raises(ModelFileError, match="missing or damaged"):
        resume(small)
    facts.write_text(before)


def test_one_folder_has_one_run_at_a_time(small: RunFolder) -> None:
    holder = existing_run(small.path)
    holder.lock()
    with pytest.raises(ResourceError, match="Another process is training in"):
        resume(small)
    holder.unlock()


def test_a_loss_that_explodes_ends_with_step_rate_and_layer(tmp_path: Path) -> None:
    asked = request(learning_rate=1000, warmup=0, weight_decay=10, epochs=1)
    with pytest.raises(DivergedError, match=r"step \d+ with learning rate .*first layer with a bad output is \w+"):
        trained(tmp_path, asked)


def test_a_time_budget_becomes_epochs(tmp_path: Path) -> None:
    config, _ = plan(Request(**{**vars(request()), "seconds": 4.0}), Silent())
    steps = config.recipe.epochs * 215
    assert abs(steps - round(steps)) < 1e-6
    assert 0 < config.recipe.epochs < 20


# From here on in processes of their own, as a shell would do it.


def launch(*words: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "CI": "true"}
    command = [sys.executable, "-m", "resnets", *map(str, words)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def begun(process: subprocess.Popen[str], also: str = "") -> subprocess.Popen[str]:
    """The process, when its training has begun; it has said `also` by then."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith("Training on"):
            assert also in said
            return process
    raise AssertionError(f"the training never began: {said}")


def killed_and_resumed(process: subprocess.Popen[str], run_folder: Path, wait: float) -> subprocess.Popen[str]:
    """Kill a run `wait` seconds after its next checkpoint: in an epoch, a validation or the writing of a checkpoint."""
    before = newest_checkpoint(run_folder)
    while newest_checkpoint(run_folder) <= before:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    time.sleep(wait)
    process.kill()
    process.communicate()
    return begun(launch("train", "--resume", run_folder))


def newest_checkpoint(run_folder: Path) -> str:
    return max((path.name for path in run_folder.glob("ckpt/step-*")), default="")


def finish(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err


def assert_equal_runs(one: RunFolder, other: Path) -> None:
    assert digest(one.model / "model.safetensors") == digest(other / "model" / "model.safetensors")
    assert digest(one.metrics) == digest(other / "metrics.jsonl")


@pytest.mark.slow
def test_signals_save_say_how_to_go_on_and_lose_no_step(tmp_path: Path, toy: Path) -> None:
    """One run gets Ctrl-C, SIGTERM and SIGKILL, goes on after each, and ends as one that nobody disturbed."""
    whole = trained(tmp_path / "whole", request(toy, epochs=2, batch_size=16))
    process = begun(launch("train", "--config", whole.config, "--runs", tmp_path / "broken"))
    before = 0
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        time.sleep(0.2)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == code
        assert "Traceback" not in err
        said = re.search(
            r"Stopped at step (\d+) of 676; everything is saved. Go on with: resnets (train --resume .*)", err
        )
        assert said, err
        assert int(said[1]) > before
        before = int(said[1])
        process = begun(launch(*said[2].split()), f"at step {before} of 676")
    (run_folder,) = (tmp_path / "broken").iterdir()
    process = killed_and_resumed(process, run_folder, 0.1)
    finish(process)
    assert_equal_runs(whole, run_folder)


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(tmp_path: Path, toy: Path) -> None:
    options = {"ema_decay": 0.9, "accumulate": 2, "optimizer": "adamw"}
    whole = trained(tmp_path / "whole", request(toy, epochs=8, batch_size=64, **options))
    process = begun(launch("train", "--config", whole.config, "--runs", tmp_path / "broken"))
    (run_folder,) = (tmp_path / "broken").iterdir()
    choose = random.Random(0)
    for _ in range(2):
        process = killed_and_resumed(process, run_folder, choose.uniform(0, 0.4))
    finish(process)
    assert_equal_runs(whole, run_folder)


@pytest.mark.slow
def test_a_full_disk_says_what_is_needed_and_what_is_safe(tmp_path: Path, toy: Path) -> None:
    """A limit on the size of files stands in for the end of the disk: the write fails in the same place."""
    limit = 3_000

    def less_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "resnets", "train", str(toy), *TINY, "--epochs", "0.1", "--runs", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=less_disk,
    )
    assert done.returncode == 7
    assert re.search(r"resnets: Disk full at .*: need .* MB, have .* MB", done.stderr), done.stderr
    assert "Traceback" not in done.stderr
