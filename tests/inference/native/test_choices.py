from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from resnets.inference.native.choices import Choices, this_machine
from resnets.inference.native.measuring import usual
from resnets.inference.native.operations import Convolution
from resnets.inference.native.steps import BY_SHAPE, WINOGRAD_4, Cut
from resnets.native.library import Kernels

SHAPE = (1, 16, 8, 8)
BEST = Cut(WINOGRAD_4, 12, 2)


def operation(channels: int = 16, **options: Any) -> Convolution:
    sizes = dict.fromkeys(("stride", "padding", "dilation"), (1, 1)) | options
    return Convolution(weight=torch.zeros(16, channels, 3, 3), bias=torch.zeros(16), groups=1, **sizes)


class Stopwatch:
    """Stands for the measurement, and counts."""

    def __init__(self, found: Cut | None = BEST) -> None:
        self.found, self.calls = found, 0

    def __call__(self, *_: Any, **__: Any) -> Cut | None:
        self.calls += 1
        return self.found


def ask(choices: Choices, asked: Convolution | None = None, shape: tuple[int, ...] = SHAPE) -> Cut | None:
    return choices.cut(Kernels(), asked or operation(), shape, has_residual=False)


@pytest.mark.parametrize("found", [BEST, None])
def test_a_convolution_is_measured_once_on_a_machine(tmp_path: Path, found: Cut | None) -> None:
    first, again = Stopwatch(found), Stopwatch()
    choices = Choices(tmp_path, measure=first)
    assert ask(choices) == ask(choices) == found
    choices.save()
    assert ask(Choices(tmp_path, measure=again)) == found
    assert (first.calls, again.calls) == (1, 0)


def test_whole_numbers_that_were_written_as_others_are_whole_again(tmp_path: Path) -> None:
    choices = Choices(tmp_path, measure=Stopwatch())
    ask(choices)
    choices.save()
    choices.file.write_text(choices.file.read_text().replace(": 12,", ": 12.0,"))
    found = ask(Choices(tmp_path, measure=Stopwatch(None)))
    assert found == BEST
    assert found is not None
    assert type(found.tiles) is int


def test_other_shapes_strides_and_endings_are_measured_for_themselves(tmp_path: Path) -> None:
    stopwatch = Stopwatch()
    choices = Choices(tmp_path, measure=stopwatch)
    ask(choices)
    ask(choices, operation(stride=(2, 2)))
    ask(choices, operation(padding=(0, 0)))
    ask(choices, operation().rectified())
    ask(choices, shape=(2, 16, 8, 8))
    ask(choices, shape=(1, 16, 8, 9))
    assert stopwatch.calls == 6


def test_batches_of_several_images_share_a_measurement(tmp_path: Path) -> None:
    stopwatch = Stopwatch()
    choices = Choices(tmp_path, measure=stopwatch)
    for images in (2, 7, 64):
        ask(choices, shape=(images, 16, 8, 8))
    assert stopwatch.calls == 1


def test_without_a_measurement_what_is_known_counts_else_what_is_usual(tmp_path: Path) -> None:
    measured = Choices(tmp_path, measure=Stopwatch())
    ask(measured)
    measured.save()
    kept = measured.file.read_bytes()
    choices = Choices(tmp_path, measure=None)
    assert ask(choices) == BEST
    assert ask(choices, shape=(2, 16, 8, 8)) == usual(operation(), (2, 16, 8, 8)) == Cut(BY_SHAPE, 0)
    choices.save()
    assert measured.file.read_bytes() == kept


def test_what_the_kernels_cannot_do_is_not_measured(tmp_path: Path) -> None:
    stopwatch = Stopwatch()
    assert ask(Choices(tmp_path, measure=stopwatch), operation(dilation=(2, 2))) is None
    assert stopwatch.calls == 0


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff\xfe", b"null", b'{"schema": 1, "machine": {}, "choices": 3}']
)
def test_a_damaged_file_is_as_good_as_none_and_written_anew(tmp_path: Path, content: bytes) -> None:
    file = Choices(tmp_path).file
    file.write_bytes(content)
    choices = Choices(tmp_path, measure=Stopwatch())
    assert ask(choices) == BEST
    choices.save()
    assert len(json.loads(file.read_bytes())["choices"]) == 1


@pytest.mark.parametrize("change", [{"tiles": 7}, {"algorithm": 99}, {"tiles": "12"}, {"more": 1}])
def test_a_choice_that_the_kernels_do_not_know_is_measured_again(tmp_path: Path, change: dict[str, Any]) -> None:
    choices = Choices(tmp_path, measure=Stopwatch())
    ask(choices)
    choices.save()
    content = json.loads(choices.file.read_bytes())
    for row in content["choices"].values():
        row.update(change)
    choices.file.write_text(json.dumps(content))
    stopwatch = Stopwatch()
    assert ask(Choices(tmp_path, measure=stopwatch)) == BEST
    assert stopwatch.calls == 1


def test_choices_of_another_processor_are_not_taken_even_under_our_name(tmp_path: Path) -> None:
    other = Choices(tmp_path, this_machine() | {"processor": "another"}, measure=Stopwatch())
    ask(other)
    other.save()
    ours = Choices(tmp_path)
    assert other.file != ours.file
    other.file.rename(ours.file)
    stopwatch = Stopwatch(None)
    assert ask(Choices(tmp_path, measure=stopwatch)) is None
    assert stopwatch.calls == 1


def test_a_limit_on_what_pytorch_may_use_is_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    unlimited = Choices(tmp_path).file
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert Choices(tmp_path).file != unlimited


def test_what_another_process_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    one, other = Choices(tmp_path, measure=Stopwatch()), Choices(tmp_path, measure=Stopwatch())
    ask(one)
    ask(other, shape=(4, 16, 8, 8))
    one.save()
    other.save()
    assert len(json.loads(one.file.read_bytes())["choices"]) == 2
    assert [file.name for file in tmp_path.iterdir()] == [one.file.name]


def test_a_folder_that_cannot_be_written_costs_only_the_measurement(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    choices = Choices(tmp_path / "file" / "folder", measure=Stopwatch())
    assert ask(choices) == BEST
    choices.save()


def test_the_machine_is_told_by_processor_kernels_threads_and_versions() -> None:
    machine = this_machine()
    assert machine["threads"] == torch.get_num_threads()
    assert machine["torch"] == torch.__version__
    assert machine["processor"]
