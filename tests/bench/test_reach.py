"""A benchmark of whole trainings that is repeated: what is there is taken or gone on with, nothing else is."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from data_files import write_idx_set
from resnets.bench import native_reach, preset_reach
from resnets.bench.reach import Reached, earlier_runs, reach, taken_over
from resnets.data.imageset import Splits
from resnets.errors import ResourceError, StoppedError
from resnets.runs.config import read_yaml, to_yaml
from resnets.runs.folder import RunFolder, existing_run, new_run, runs_of
from resnets.runs.plan import plan
from resnets.runs.request import Request
from resnets.runs.train import run
from resnets.runs.watch import Silent
from resnets.training.checkpoint import Checkpoints
from resnets.training.fit import StepDone

PAUSE = 0.4
"""Seconds that a run is held up before it is interrupted; the rest of it takes a few milliseconds."""


class Interrupting(Silent):
    """Presses Ctrl-C after a pause in step 3, which is in the first of two epochs."""

    def stepped(self, step: StepDone) -> None:
        if step.step == 3:
            time.sleep(PAUSE)
            os.kill(os.getpid(), signal.SIGINT)


class Listening(Silent):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def said(self, text: str) -> None:
        self.heard.append(text)


@pytest.fixture(autouse=True, scope="module")
def _no_pictures() -> Iterator[None]:
    """They would be most of the time, and are tested where runs are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resnets.runs.train.draw_run", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "toy"
    write_idx_set(folder, train=200, test=20, height=8, width=8)
    return folder


def asked(toy: Path, **changes: Any) -> Request:
    network = {"num_blocks": (1,), "width": 4, "stem": "small"}
    request = Request(
        dataset=str(toy), model="resnet20", network=network, recipe={"epochs": 2, "batch_size": 32}, threads=1
    )
    return dataclasses.replace(request, **changes)


@pytest.fixture(scope="module")
def whole(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reached]:
    """A folder with a finished run, and what it came to."""
    runs = tmp_path_factory.mktemp("runs")
    return runs, reach(asked(toy), runs, "toy")


def interrupted(request: Request, runs: Path) -> RunFolder:
    config, splits = plan(request, Silent())
    folder = new_run(runs, "toy")
    with pytest.raises(StoppedError, match="Stopped at step 3 of 12"):
        run(config, folder, Interrupting(), splits)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_finished_run_is_taken_as_it_is(toy: Path, whole: tuple[Path, Reached]) -> None:
    runs, first = whole
    before = contents(runs)
    again = reach(asked(toy), runs, "toy")
    assert again == dataclasses.replace(first, before="finished before")
    assert contents(runs) == before
    assert str(again) == f"{100 * first.accuracy:.2f} % in {first.train_seconds:.1f} s (finished before)"
    assert str(first) == f"{100 * first.accuracy:.2f} % in {first.train_seconds:.1f} s"


def test_an_interrupted_run_goes_on_to_the_same_bits_and_counts_all_its_seconds(toy: Path, tmp_path: Path) -> None:
    folder = interrupted(asked(toy), tmp_path)
    gone_on = reach(asked(toy), tmp_path, "toy")
    assert [path.name for path in tmp_path.iterdir()] == ["toy-001"]
    assert "Resuming" in (folder.path / "log.txt").read_text()
    assert gone_on.before == "begun before"
    assert gone_on.train_seconds > PAUSE
    assert reach(asked(toy), tmp_path, "toy") == dataclasses.replace(gone_on, before="finished before")
    unbroken = new_run(tmp_path, "unbroken")
    assert run(read_yaml(folder.config), unbroken).report.accuracy == gone_on.accuracy
    for name in ("model/model.safetensors", "metrics.jsonl"):
        assert (folder.path / name).read_bytes() == (unbroken.path / name).read_bytes()


def test_a_checkpoint_that_does_not_tell_its_seconds_counts_from_the_start_of_the_run(
    toy: Path, tmp_path: Path
) -> None:
    folder = interrupted(asked(toy), tmp_path)
    checkpoints = Checkpoints(folder.checkpoints, folder.disk)
    files = checkpoints.newest().files
    state = json.loads(files["state.json"])
    del state["extra"]["train_seconds"]
    written = checkpoints.save(3, {**files, "state.json": json.dumps(state).encode()})
    begun = written.stat().st_mtime - 1000
    os.utime(folder.config, (begun, begun))
    assert 1000 < reach(asked(toy), tmp_path, "toy").train_seconds < 2000


def test_a_run_killed_before_its_first_checkpoint_is_trained_anew(toy: Path, tmp_path: Path) -> None:
    folder = interrupted(asked(toy), tmp_path)
    folder.disk.remove(folder.checkpoints)
    assert reach(asked(toy), tmp_path, "toy").before == ""
    assert [folder.path.name for folder in runs_of(tmp_path, "toy")] == ["toy-002", "toy-001"]


def test_a_run_that_another_process_trains_is_left_alone(toy: Path, tmp_path: Path) -> None:
    holder = existing_run(interrupted(asked(toy), tmp_path).path)
    holder.lock()
    with pytest.raises(ResourceError, match="Another process is training in"):
        reach(asked(toy), tmp_path, "toy")
    holder.unlock()


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"recipe": {"epochs": 3, "batch_size": 32}},
        {"network": {"num_blocks": (1,), "width": 5, "stem": "small"}},
        {"augmentation": {"flip": False}},
    ],
)
def test_a_run_of_another_config_is_not_taken(
    toy: Path, whole: tuple[Path, Reached], changes: Mapping[str, Any]
) -> None:
    runs, _ = whole
    assert earlier_runs(runs, "toy", *plan(asked(toy), Silent()), native=True)
    assert not earlier_runs(runs, "toy", *plan(asked(toy, **changes), Silent()), native=True)


def test_a_run_keeps_what_was_measured_but_has_no_kernels_that_are_not_asked_for(toy: Path, tmp_path: Path) -> None:
    config, splits = plan(asked(toy), Silent())
    folder = interrupted(asked(toy), tmp_path)

    def found(*, asked_native: bool, **stored: Any) -> bool:
        machine = dataclasses.replace(config.machine, **stored)
        folder.write("config.yaml", to_yaml(dataclasses.replace(config, machine=machine)))
        return bool(earlier_runs(tmp_path, "toy", config, splits, native=asked_native))

    assert found(asked_native=True, threads=7, channels_last=not config.machine.channels_last)
    assert found(asked_native=True, native=True)
    assert found(asked_native=True, native=False)
    assert found(asked_native=False, native=False)
    assert not found(asked_native=False, native=True)
    assert not found(asked_native=True, device="cuda")


def test_a_run_on_other_data_or_another_machine_is_not_taken(toy: Path, tmp_path: Path) -> None:
    config, splits = plan(asked(toy), Silent())
    folder = interrupted(asked(toy), tmp_path)

    def found(data: Splits) -> list[Path]:
        return [one.path for one in earlier_runs(tmp_path, "toy", config, data, native=True)]

    assert found(splits) == [folder.path]
    assert not found(dataclasses.replace(splits, test=splits.validation))
    for name, text in (("env.json", '"processor": "'), ("config.yaml", "dataset: ")):
        before = (folder.path / name).read_text()
        folder.write(name, before.replace(text, f"{text}other"))
        assert not found(splits), name
        folder.write(name, before)
    assert found(splits)
    (folder.path / "data.json").unlink()
    assert not found(splits)


def test_what_was_there_before_is_counted() -> None:
    own, begun, finished = Reached(0.5, 1), Reached(0.5, 1, "begun before"), Reached(0.5, 1, "finished before")
    assert taken_over([own, own]) == ""
    assert taken_over([own, begun, finished]) == "2 of 3 runs were finished or begun before this command."


@pytest.mark.usefixtures("native_kernels")
def test_a_table_of_speeds_says_when_runs_did_not_take_turns(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_reach, "SEEDS", 1)
    work = {"toy": {name: value for name, value in vars(asked(toy)).items() if name not in ("seed", "native")}}
    watch = Listening()
    first, second = (native_reach.native_reach(tmp_path, watch, work) for _ in range(2))
    assert first.notes[0].startswith("Seeds 0, 1, 2, ..., in turn. Variant")
    assert second.notes[0].startswith(
        "Seeds 0, 1, 2, ..., not all in turn: 2 of 2 runs were finished or begun before this command. Variant"
    )
    assert second.rows == first.rows
    assert watch.heard[2:] == [f"{line} (finished before)" for line in watch.heard[:2]]
    assert watch.heard[0].startswith("toy, seed 0, PyTorch: ")


def test_a_table_of_a_preset_says_which_runs_were_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {0: Reached(0.99, 10.0, "finished before"), 1: Reached(0.98, 20.0, "begun before")}
    labels = []

    def reached(request: Request, runs: Path, label: str) -> Reached:
        assert runs == tmp_path
        labels.append(label)
        return found.get(request.seed, Reached(0.97, 30.0))

    monkeypatch.setattr(preset_reach, "reach", reached)
    watch = Listening()
    table = preset_reach.preset_reach("best", tmp_path, watch)
    assert labels == [f"mnist-best-seed{seed}" for seed in range(3)]
    assert watch.heard == [
        "best, seed 0: 99.00 % in 10.0 s (finished before)",
        "best, seed 1: 98.00 % in 20.0 s (begun before)",
        "best, seed 2: 97.00 % in 30.0 s",
    ]
    assert table.rows == (("best", 3, "98.00", "98.000", "99.00 98.00 97.00", "20.0", "30.0"),)
    assert table.notes[0].endswith("10,000 to test. 2 of 3 runs were finished or begun before this command.")


def test_a_table_of_a_preset_says_what_one_view_of_an_image_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(request: Request, _: Path, __: str) -> Reached:
        return Reached(0.99, 10.0, num_views=3, one_view_accuracy=0.98 - 0.01 * request.seed)

    monkeypatch.setattr(preset_reach, "reach", reached)
    table = preset_reach.preset_reach("best", tmp_path, Silent())
    assert table.notes[0].endswith(
        "Answers are the mean of 3 views of an image; from the image alone 98.00 97.00 96.00 %, mean 97.000 %."
    )
