from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from data_files import write_class_folders, write_photo
from resnets.data.decode import open_image
from resnets.data.folder import load_folder
from resnets.data.imageset import ImageSet, Splits
from resnets.data.options import SourceOptions
from resnets.data.preprocessing import Preprocessing, prepare
from resnets.data.statistics import measure
from resnets.errors import DataError

SMALL = SourceOptions(size=8)


def _names(part: ImageSet | None) -> list[str]:
    """The class folder of each picture, from its path."""
    assert part is not None
    return [Path(file).parent.name for file in part.files]


def _labelled(part: ImageSet | None) -> list[str]:
    assert part is not None
    return [part.class_names[label] for label in part.labels.tolist()]


def _three(root: Path, train: int = 4) -> Path:
    write_class_folders(root / "train", {"cat": train, "dog": train, "emu": train})
    write_class_folders(root / "val", {"cat": 1, "dog": 2, "emu": 1})
    write_class_folders(root / "test", {"cat": 2, "dog": 1, "emu": 3})
    return root


def test_three_parts_are_read_as_they_are(tmp_path: Path) -> None:
    splits = load_folder(_three(tmp_path / "zoo"), SMALL)
    assert splits.train.class_names == ("cat", "dog", "emu")
    assert splits.train.name == "zoo"
    for part, count in ((splits.train, 12), (splits.validation, 4), (splits.test, 6)):
        assert part is not None
        assert len(part) == count
        assert _labelled(part) == _names(part)
        for place in (0, count - 1):
            expected = prepare(open_image(part.files[place]), part.preprocessing)
            assert torch.equal(part.images[place], expected)


def test_classes_of_every_part_are_aligned_by_name(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "train", {"1": 3, "10": 3, "2": 3, "b": 3})
    write_class_folders(tmp_path / "val", {"b": 2, "2": 1})
    write_class_folders(tmp_path / "test", {"10": 1, "b": 1})
    splits = load_folder(tmp_path, SMALL)
    assert splits.train.class_names == ("1", "10", "2", "b")
    for part in (splits.train, splits.validation, splits.test):
        assert _labelled(part) == _names(part)
    assert splits.notices == (
        "The test part has no pictures of 2 of 4 classes: 1, 2.",
        "The validation part has no pictures of 2 of 4 classes: 1, 10.",
    )


def test_without_validation_it_gets_a_tenth_of_train(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "train", {"cat": 20, "dog": 10})
    write_class_folders(tmp_path / "test", {"cat": 2, "dog": 2})
    splits = load_folder(tmp_path, SMALL)
    assert splits.validation.labels.bincount().tolist() == [2, 1]
    assert splits.train.labels.bincount().tolist() == [18, 9]
    assert splits.test is not None
    assert len(splits.test) == 4


def test_without_test_there_is_none(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "train", {"cat": 4, "dog": 4})
    write_class_folders(tmp_path / "val", {"cat": 2, "dog": 2})
    assert load_folder(tmp_path, SMALL).test is None


def test_one_level_is_split_into_eighty_ten_ten(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"cat": 40, "dog": 20})
    splits = load_folder(tmp_path, SMALL)
    assert splits.test is not None
    counts = [part.labels.bincount().tolist() for part in (splits.train, splits.validation, splits.test)]
    assert counts == [[32, 16], [4, 2], [4, 2]]
    files = [*splits.train.files, *splits.validation.files, *splits.test.files]
    assert len(set(files)) == 60
    assert _labelled(splits.validation) == _names(splits.validation)


def test_the_split_follows_the_seed(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"cat": 20, "dog": 20})

    def parts(seed: int) -> Splits:
        return load_folder(tmp_path, SourceOptions(size=4, seed=seed))

    assert parts(1).train.files == parts(1).train.files
    assert parts(1).train.files != parts(2).train.files


def test_mean_and_std_are_those_of_the_training_part(tmp_path: Path) -> None:
    splits = load_folder(_three(tmp_path), SMALL)
    measured = measure(splits.train.images)
    for part in (splits.train, splits.validation, splits.test):
        assert part is not None
        assert (part.preprocessing.mean, part.preprocessing.std) == measured


def test_size_and_resize_are_settings(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"cat": 5, "dog": 5})
    assert load_folder(tmp_path, SourceOptions()).train.preprocessing.size == 64
    options = SourceOptions(size=10, resize="stretch")
    splits = load_folder(tmp_path, options)
    assert splits.train.images.shape[1:] == (3, 10, 10)
    assert splits.train.preprocessing.resize == "stretch"


def test_a_trained_model_brings_its_preprocessing_and_class_order(tmp_path: Path) -> None:
    settings = Preprocessing(size=6, channels=1, mean=(0.3,), std=(0.2,), resize="pad")
    options = SourceOptions(preprocessing=settings, class_names=("emu", "dog", "yak", "cat"))
    splits = load_folder(_three(tmp_path), options)
    assert splits.test is not None
    assert splits.test.preprocessing == settings
    assert splits.test.images.shape[1:] == (1, 6, 6)
    assert splits.test.class_names == ("emu", "dog", "yak", "cat")
    assert _labelled(splits.test) == _names(splits.test)
    assert "The test part has no pictures of 1 of 4 classes: yak." in splits.notices


def test_new_pictures_for_a_trained_model_may_all_be_test(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"dog": 3})
    settings = Preprocessing(size=6)
    options = SourceOptions(preprocessing=settings, class_names=("cat", "dog"), whole_is_test=True)
    splits = load_folder(tmp_path, options)
    assert splits.test is not None
    assert splits.test.labels.tolist() == [1, 1, 1]
    assert len(splits.train) == len(splits.validation) == 0


def test_a_trained_model_can_be_tested_without_a_training_part(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "test", {"dog": 3, "cat": 2})
    options = SourceOptions(preprocessing=Preprocessing(size=6), class_names=("cat", "dog"))
    splits = load_folder(tmp_path, options)
    assert splits.test is not None
    assert splits.test.labels.tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"train": {"cat": 2}}, "has only one class, 'cat'; two are needed. Pictures belong into"),
        ({"": {"cat": 2}}, "has only one class, 'cat'"),
        ({"val": {"cat": 1, "dog": 1}, "test": {"cat": 1}}, "has test and validation pictures but none for training"),
        (
            {"train": {"cat": 2, "dog": 2}, "test": {"cat": 1, "bat": 1}},
            "The test part of .* has classes that were not trained: bat. Trained: cat, dog.",
        ),
        (
            {"train": {"cat": 2, "dog": 2}, "val": {"dgo": 1}},
            "The validation part of .* has classes that were not trained: dgo",
        ),
    ],
)
def test_classes_that_do_not_fit_are_refused(tmp_path: Path, layout: dict[str, dict[str, int]], message: str) -> None:
    for part, counts in layout.items():
        write_class_folders(tmp_path / part, counts)
    with pytest.raises(DataError, match=message):
        load_folder(tmp_path, SMALL)


def test_too_few_pictures_to_split_are_refused(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"cat": 1, "dog": 1})
    with pytest.raises(DataError, match="Cannot carve 1 images from a set of 2; add images of each class"):
        load_folder(tmp_path, SMALL)


def _break(root: Path, *names: str) -> None:
    for name in names:
        (root / name).write_bytes(b"not a picture")


def test_unreadable_files_are_listed_before_anything_else(tmp_path: Path) -> None:
    root = _three(tmp_path)
    _break(root, "train/cat/001.png", "test/emu/002.png")
    with pytest.raises(DataError) as caught:
        load_folder(root, SMALL)
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 of 22 pictures cannot be read:"
    assert lines[1].startswith(f"  {root / 'train/cat/001.png'} is not a picture that can be read")
    assert lines[2].startswith(f"  {root / 'test/emu/002.png'} is not a picture")
    assert lines[3] == "Repair or remove them, or skip them with --max-bad 10%."
    assert len(lines) == 4


def test_unreadable_files_are_skipped_up_to_the_share_allowed(tmp_path: Path) -> None:
    root = _three(tmp_path)
    _break(root, "train/cat/001.png", "test/emu/002.png")
    splits = load_folder(root, SourceOptions(size=8, max_bad=0.1))
    assert splits.test is not None
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (11, 4, 5)
    for part in (splits.train, splits.test):
        assert _labelled(part) == _names(part)
        for file, image in zip(part.files, part.images, strict=True):
            assert torch.equal(image, prepare(open_image(file), part.preprocessing))
    assert splits.notices[-1].startswith("2 of 22 pictures cannot be read and are skipped:\n  ")
    with pytest.raises(DataError, match="2 of 22 pictures cannot be read"):
        load_folder(root, SourceOptions(size=8, max_bad=0.09))


def test_a_long_list_of_unreadable_files_ends_with_a_count(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"cat": 15, "dog": 15})
    _break(tmp_path, *(f"{name}/{number:03d}.png" for name in ("cat", "dog") for number in range(12)))
    with pytest.raises(DataError, match=r"24 of 30 pictures cannot be read:\n(  .*\n){20}  and 4 more\nRepair"):
        load_folder(tmp_path, SMALL)


def test_nothing_readable_to_train_on_is_refused(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"cat": 5, "dog": 5})
    _break(tmp_path, *(f"{name}/{number:03d}.png" for name in ("cat", "dog") for number in range(5)))
    with pytest.raises(DataError, match="None of the 8 training pictures in .* can be read"):
        load_folder(tmp_path, SourceOptions(size=8, max_bad=1))


def test_no_file_is_touched(tmp_path: Path) -> None:
    root = _three(tmp_path)
    _break(root, "train/cat/001.png")
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in root.rglob("*.png")}
    load_folder(root, SourceOptions(size=8, max_bad=0.5))
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in root.rglob("*.png")} == before


@pytest.mark.data
@pytest.mark.slow
def test_real_photos_in_class_folders(tmp_path: Path) -> None:
    folder = os.environ.get("RESNETS_CIFAR_JPEG")
    if not folder:
        pytest.skip("RESNETS_CIFAR_JPEG names no folder of CIFAR-10 as JPEG files")
    for source in Path(folder).glob("test/*"):
        (tmp_path / source.name).mkdir()
        for file in sorted(source.iterdir())[:60]:
            (tmp_path / source.name / file.name).symlink_to(file)
    write_photo(tmp_path / "frog" / "extra.png")
    splits = load_folder(tmp_path, SourceOptions(size=32))
    assert splits.test is not None
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 601
    assert splits.train.class_names[:2] == ("airplane", "automobile")
    assert splits.train.preprocessing.mean == pytest.approx((0.49, 0.48, 0.45), abs=0.03)
    assert splits.train.preprocessing.std == pytest.approx((0.25, 0.24, 0.26), abs=0.02)
