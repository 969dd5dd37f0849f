from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch

from data_files import write_cifar, write_class_folders, write_idx_set
from resnets.data import cifar, fashion, idx, mnist, statistics
from resnets.data.arrays import Arrays
from resnets.data.imageset import ImageSet, Splits
from resnets.data.preprocessing import Preprocessing
from resnets.data.sources import NAMES, SourceOptions, load
from resnets.errors import ConfigError, DataError

SMALL10 = dataclasses.replace(cifar.CIFAR10, train_rows=20, test_rows=30)


@pytest.fixture(scope="module")
def digits() -> Splits:
    return load("mnist")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, and no package of the system."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(fashion, "DEBIAN_FOLDER", tmp_path / "debian")
    return tmp_path / "cache" / "resnets"


@pytest.fixture
def small_cifar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar, "BOTH", (SMALL10, cifar.CIFAR100))


def test_mnist_comes_in_its_three_parts(digits: Splits) -> None:
    assert digits.test is not None
    assert (len(digits.train), len(digits.validation), len(digits.test)) == (55_000, 5_000, 10_000)
    assert digits.train.class_names == tuple("0123456789")
    assert digits.train.preprocessing == Preprocessing(
        kind="digit", size=28, channels=1, mean=statistics.MNIST.mean, std=statistics.MNIST.std
    )
    assert digits.notices == ()


def test_parts_of_mnist_are_the_original_images(digits: Splits) -> None:
    images, labels = mnist.read()
    assert digits.test is not None
    np.testing.assert_array_equal(digits.test.images[:, 0], images[mnist.TRAIN :])
    np.testing.assert_array_equal(digits.test.labels, labels[mnist.TRAIN :])
    together = torch.cat([digits.train.images, digits.validation.images])
    assert int(together.sum(dtype=torch.int64)) == int(images[: mnist.TRAIN].sum(dtype=np.int64))


def test_every_digit_gives_its_share_to_validation(digits: Splits) -> None:
    counts = torch.cat([digits.train.labels, digits.validation.labels]).bincount()
    shares = 5_000 * counts / 60_000
    assert (digits.validation.labels.bincount() - shares).abs().max() < 1


def test_the_split_follows_the_seed_and_the_test_part_never_changes(digits: Splits) -> None:
    same, other = load("mnist", SourceOptions(seed=0)), load("mnist", SourceOptions(seed=1))
    assert digits.test is not None
    assert other.test is not None
    assert same.train.fingerprint() == digits.train.fingerprint()
    assert other.train.fingerprint() != digits.train.fingerprint()
    assert other.test.fingerprint() == digits.test.fingerprint()


def test_a_named_set_refuses_another_size() -> None:
    with pytest.raises(ConfigError, match="The images of mnist have 28 pixels; size 32 is for folders of photos"):
        load("mnist", SourceOptions(size=32))
    assert load("mnist", SourceOptions(size=28)).train.preprocessing.size == 28


def test_a_trained_model_must_take_such_images() -> None:
    with pytest.raises(DataError, match="The images of mnist are 1 x 28 x 28, and the model takes 3 x 32 x 32"):
        load("mnist", SourceOptions(preprocessing=Preprocessing()))
    own = Preprocessing(size=28, channels=1, mean=(0.2,), std=(0.4,))
    assert load("mnist", SourceOptions(preprocessing=own)).validation.preprocessing == own


def test_labels_follow_the_class_order_of_a_trained_model(digits: Splits) -> None:
    names = ("x", *"9876543210")
    turned = load("mnist", SourceOptions(class_names=names))
    assert turned.validation.class_names == names
    assert torch.equal(turned.validation.labels, 10 - digits.validation.labels)
    with pytest.raises(DataError, match="'mnist' has classes that were not trained: 7, 8, 9. Trained: 0, 1, 2, 3, 4"):
        load("mnist", SourceOptions(class_names=tuple("0123456")))


@pytest.mark.data
def test_fashion_mnist_is_found_and_known_byte_for_byte() -> None:
    if not fashion.DEBIAN_FOLDER.is_dir():
        pytest.skip("the package dataset-fashion-mnist is not installed")
    splits = load("fashion-mnist")
    assert splits.test is not None
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (55_000, 5_000, 10_000)
    assert splits.validation.labels.bincount().tolist() == [500] * 10
    assert splits.train.class_names[splits.test.labels[0]] == "Ankle boot"
    assert splits.train.preprocessing.kind == "photo"


def test_fashion_mnist_says_how_to_get_it(empty_cache: Path, tmp_path: Path) -> None:
    message = (
        f"Fashion-MNIST is not in {empty_cache / 'fashion-mnist'} or {tmp_path / 'debian'}.*apt install dataset-fash"
    )
    with pytest.raises(DataError, match=message):
        load("fashion-mnist")
    with pytest.raises(DataError, match=f"Fashion-MNIST is not in {tmp_path / 'here'}. On Debian"):
        load("fashion-mnist", SourceOptions(data=str(tmp_path / "here")))


@pytest.mark.parametrize("place", ["cache", "debian", "named"])
def test_fashion_mnist_is_read_from_all_its_places(
    place: str, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = {"cache": empty_cache / "fashion-mnist", "debian": tmp_path / "debian", "named": tmp_path / "n"}[place]
    write_idx_set(folder, ".gz", train=40, test=10)
    options = SourceOptions(data=str(folder)) if place == "named" else SourceOptions()
    with pytest.raises(
        DataError, match=f"The files in {folder} are not those of Fashion-MNIST: their SHA-256 is wrong"
    ):
        load("fashion-mnist", options)
    monkeypatch.setattr(fashion, "SHA256", _digest(folder))
    splits = load("fashion-mnist", options)
    assert (len(splits.train), len(splits.validation)) == (36, 4)
    assert splits.train.class_names[1] == "Trouser"


def _digest(folder: Path) -> str:
    images, labels, _ = idx.read_set(folder)
    return fashion.digest(images, labels)


def test_a_folder_of_idx_files_is_a_set(tmp_path: Path) -> None:
    write_idx_set(tmp_path / "kana", train=40, test=10, height=6, width=6)
    splits = load(str(tmp_path / "kana"))
    assert splits.test is not None
    assert (splits.train.name, len(splits.train), len(splits.validation), len(splits.test)) == ("kana", 36, 4, 10)
    assert splits.train.class_names == ("0", "1")
    assert splits.train.preprocessing.kind == "photo"
    whole = torch.cat([splits.train.images, splits.validation.images])
    assert (splits.train.preprocessing.mean, splits.train.preprocessing.std) == statistics.measure(whole)


def test_images_that_are_not_square_are_refused(tmp_path: Path) -> None:
    write_idx_set(tmp_path, train=40, test=10, height=6, width=5)
    with pytest.raises(DataError, match="must be square, and have 5 x 6 pixels"):
        load(str(tmp_path))


def test_a_label_without_a_name_is_refused() -> None:
    arrays = Arrays(
        name="letters",
        images=np.zeros((20, 4, 4), dtype=np.uint8),
        labels=np.full(20, 3, dtype=np.uint8),
        num_train=20,
        class_names=("a", "b"),
    )
    with pytest.raises(DataError, match="The labels of 'letters' must be from 0 to 1, got 3 to 3"):
        arrays.splits(SourceOptions())


@pytest.mark.usefixtures("small_cifar")
def test_cifar_is_found_by_name_in_the_cache_or_the_named_folder(empty_cache: Path, tmp_path: Path) -> None:
    images, labels = write_cifar(tmp_path / "sets" / "cifar-10-batches-bin", SMALL10, "abcdefghij")
    shutil.copytree(tmp_path / "sets", empty_cache / "cifar10")
    for options in (SourceOptions(data=str(tmp_path / "sets")), SourceOptions()):
        splits = load("cifar10", options)
        assert splits.test is not None
        assert (len(splits.train), len(splits.validation), len(splits.test)) == (90, 10, 30)
        np.testing.assert_array_equal(splits.test.images, images[100:])
        np.testing.assert_array_equal(splits.test.labels, labels[100:])
        assert splits.train.preprocessing.mean == statistics.CIFAR10.mean


@pytest.mark.usefixtures("small_cifar")
def test_cifar_is_found_by_its_folder(tmp_path: Path) -> None:
    write_cifar(tmp_path, SMALL10, "abcdefghij")
    assert load(str(tmp_path)).train.name == "cifar10"


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_says_how_to_get_it(name: str, empty_cache: Path) -> None:
    message = f"{name} is not in {empty_cache / name}. Get its binary version .cifar-.*-binary.tar.gz.*--data DIR"
    with pytest.raises(DataError, match=message):
        load(name)


def test_a_folder_of_class_folders_is_a_set(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"cat": 10, "dog": 10})
    calls: list[tuple[int, int]] = []
    splits = load(str(tmp_path), SourceOptions(size=4), progress=lambda done, total: calls.append((done, total)))
    assert splits.train.class_names == ("cat", "dog")
    assert calls[-1] == (20, 20)


def test_a_home_folder_may_be_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_class_folders(tmp_path / "photos", {"cat": 10, "dog": 10})
    assert load("~/photos", SourceOptions(size=4)).train.name == "photos"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mnits", "There is no data set or folder 'mnits'. Did you mean 'mnist'. Known: mnist, fashion-mnist, cifar10"),
        ("fashion_mnist", "Did you mean 'fashion-mnist'?"),
        ("imagenet", "There is no data set or folder 'imagenet'. Known: mnist"),
        ("./photos", "There is no folder ./photos."),
        ("", "There is no data set or folder ''"),
    ],
)
def test_an_unknown_source_is_refused(source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(source)


def test_an_archive_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="photos.zip is a file, and data are a folder. Unpack it if it is an archive"):
        load(str(tmp_path / "photos.zip"))


def test_every_name_is_a_source(empty_cache: Path) -> None:
    for name in NAMES:
        try:
            assert isinstance(load(name).train, ImageSet)
        except DataError as error:
            assert f"{name.lower().replace('-', '')} is not in" in str(error).lower().replace("-", "")
