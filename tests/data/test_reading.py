from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from data_files import write_photo
from resnets.data import memory
from resnets.data.decode import open_image
from resnets.data.preprocessing import Preprocessing, prepare
from resnets.data.reading import read_pictures
from resnets.errors import ResourceError

SETTINGS = Preprocessing(size=8)


def _files(folder: Path, count: int) -> list[Path]:
    files = [folder / f"{number}.png" for number in range(count)]
    for number, file in enumerate(files):
        write_photo(file, seed=number, size=(9 + number, 12))
    return files


def test_every_picture_is_what_prediction_would_see(tmp_path: Path) -> None:
    files = _files(tmp_path, 12)
    images, unreadable = read_pictures(files, SETTINGS)
    assert unreadable == {}
    assert images.shape == (12, 3, 8, 8)
    for file, image in zip(files, images, strict=True):
        assert torch.equal(image, prepare(open_image(file), SETTINGS))


def test_unreadable_files_are_all_named_with_their_reason(tmp_path: Path) -> None:
    files = _files(tmp_path, 6)
    files[1].write_bytes(b"")
    files[3].write_bytes(files[3].read_bytes()[:60])
    files[4] = tmp_path / "photo.heic"
    images, unreadable = read_pictures(files, SETTINGS)
    assert list(unreadable) == [1, 3, 4]
    assert unreadable[1] == f"{files[1]} is empty."
    assert str(files[3]) in unreadable[3]
    assert unreadable[4] == f"{files[4]} has a format that is not read. Convert it to JPEG or PNG."
    assert not images[[1, 3, 4]].any()
    assert images[5].any()


def test_progress_goes_up_to_all_files(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    read_pictures(_files(tmp_path, 5), SETTINGS, lambda done, total: calls.append((done, total)))
    assert calls == [(done, 5) for done in range(1, 6)]


def test_a_blank_digit_is_unreadable(tmp_path: Path) -> None:
    file = tmp_path / "blank.png"
    write_photo(file)
    open_image(file).point(lambda _: 255).save(file)
    digit = Preprocessing(kind="digit", size=28, channels=1, mean=(0.5,), std=(0.5,))
    _, unreadable = read_pictures([file], digit)
    assert unreadable == {0: f"{file}: No digit was found: the picture is blank."}


def test_a_full_memory_is_noticed_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: 1000)
    with pytest.raises(ResourceError, match="Holding 9 pictures of 8 x 8 pixels would take 0.0 GB"):
        read_pictures([tmp_path / "none.png"] * 9, SETTINGS)


def test_an_interruption_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    files = _files(tmp_path, 1) * 500
    seen: list[int] = []

    def interrupt(done: int, total: int) -> None:
        seen.append(done)
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_pictures(files, SETTINGS, interrupt)
    assert seen == [1, 2, 3]


def test_order_does_not_depend_on_how_long_a_picture_takes(tmp_path: Path) -> None:
    files = []
    for number, side in enumerate((900, 4, 700, 5, 6)):
        files.append(tmp_path / f"{number}.png")
        write_photo(files[-1], seed=number, size=(side, side))
    images, _ = read_pictures(files, SETTINGS)
    again, _ = read_pictures(files, SETTINGS)
    np.testing.assert_array_equal(images, again)
