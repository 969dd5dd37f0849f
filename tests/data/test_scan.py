from __future__ import annotations

import os
from pathlib import Path

import pytest

from resnets.data.scan import scan, shortened
from resnets.errors import DataError


def _touch(root: Path, *names: str) -> None:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def _found(root: Path) -> dict[str, dict[str, list[str]]]:
    return {
        part: {name: [str(file.relative_to(root)) for file in files] for name, files in pictures.items()}
        for part, pictures in scan(root).parts.items()
    }


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("Training", "VALID", "Testing"),
        ("TRAIN", "Validation", "test"),
        ("train", "dev", "TEST"),
    ],
)
def test_parts_are_known_by_their_usual_names(tmp_path: Path, train: str, validation: str, test: str) -> None:
    _touch(tmp_path, *(f"{part}/{name}/1.jpg" for part in (train, validation, test) for name in ("cat", "dog")))
    assert _found(tmp_path) == {
        part: {"cat": [f"{folder}/cat/1.jpg"], "dog": [f"{folder}/dog/1.jpg"]}
        for part, folder in (("train", train), ("validation", validation), ("test", test))
    }


def test_class_folders_at_once_are_the_whole(tmp_path: Path) -> None:
    _touch(tmp_path, "dog/b.jpg", "dog/a.PNG", "cat/x.webp")
    assert _found(tmp_path) == {"whole": {"cat": ["cat/x.webp"], "dog": ["dog/a.PNG", "dog/b.jpg"]}}


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    _touch(tmp_path, "train/1.jpg", "bus/1.jpg", "car/1.jpg")
    assert set(_found(tmp_path)["whole"]) == {"train", "bus", "car"}


def test_pictures_deep_inside_a_class_belong_to_it(tmp_path: Path) -> None:
    _touch(tmp_path, "train/cat/black/young/1.jpg", "train/cat/2.jpg", "train/dog/1.jpg")
    assert _found(tmp_path)["train"]["cat"] == ["train/cat/2.jpg", "train/cat/black/young/1.jpg"]


def test_hidden_things_are_not_seen(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/1.jpg", "dog/1.jpg")
    _touch(tmp_path, ".ipynb_checkpoints/1.jpg", "__MACOSX/cat/1.jpg", "cat/._1.jpg", "cat/.thumbs/1.jpg")
    _touch(tmp_path, ".DS_Store", "cat/Thumbs.db", "dog/desktop.ini", "dog/@eaDir/1.jpg")
    assert _found(tmp_path) == {"whole": {"cat": ["cat/1.jpg"], "dog": ["dog/1.jpg"]}}
    assert scan(tmp_path).notices == ()


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    _touch(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "train/loose.jpg", "extra/1.jpg", "train/cat/notes.txt")
    (tmp_path / "train" / "bird").mkdir()
    assert scan(tmp_path).notices == (
        "Left out, since without pictures: train/bird.",
        "Left out, since outside the class folders: extra/1.jpg, train/loose.jpg.",
        "Left out, since no pictures: train/cat/notes.txt.",
    )


def test_pictures_of_foreign_formats_count_so_that_they_are_reported(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/1.HEIC", "dog/1.jpg")
    assert _found(tmp_path)["whole"]["cat"] == ["cat/1.HEIC"]


def test_links_are_followed_but_never_in_a_circle(tmp_path: Path) -> None:
    _touch(tmp_path, "photos/cat/1.jpg", "photos/dog/1.jpg", "elsewhere/1.jpg")
    (tmp_path / "photos" / "cat" / "up").symlink_to(tmp_path / "photos")
    (tmp_path / "photos" / "cat" / "self").symlink_to(tmp_path / "photos" / "cat")
    (tmp_path / "photos" / "bird").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "dog" / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    found = _found(tmp_path / "photos")["whole"]
    assert found == {"bird": ["bird/1.jpg"], "cat": ["cat/1.jpg"], "dog": ["dog/1.jpg", "dog/broken.jpg"]}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only where there are pipes")
def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/1.jpg", "dog/1.jpg")
    os.mkfifo(tmp_path / "cat" / "2.jpg")
    assert _found(tmp_path)["whole"]["cat"] == ["cat/1.jpg"]


def test_one_name_in_two_spellings_of_unicode_is_one_class(tmp_path: Path) -> None:
    _touch(tmp_path, "train/caf\u00e9/1.jpg", "train/bar/1.jpg", "val/cafe\u0301/1.jpg")
    assert set(_found(tmp_path)["validation"]) <= set(_found(tmp_path)["train"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "holds no pictures. Pictures belong into FOLDER/train/CLASS/"),
        (("cat/notes.txt",), "holds no pictures"),
        (("1.jpg", "2.jpg"), "are not sorted into class folders. Pictures belong into"),
        (("train/1.jpg", "val/1.jpg"), "are not sorted into class folders"),
        (
            ("train/cat/1.jpg", "val/cat/1.jpg", "Valid/cat/1.jpg"),
            "has Valid and val, which mean the same part. Rename",
        ),
    ],
)
def test_other_layouts_are_refused(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    _touch(tmp_path, *names)
    with pytest.raises(DataError, match=message):
        scan(tmp_path)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none cannot be read: No such file or directory"):
        scan(tmp_path / "none")


def test_long_lists_are_shortened() -> None:
    assert shortened("abcde") == "a, b, c, d, e"
    assert shortened(range(1234), most=2) == "0, 1 and 1,232 more"
