from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch

from resnets.artifact import FORMAT, Artifact, find_artifact, load_artifact, save_artifact
from resnets.data.preprocessing import Preprocessing
from resnets.errors import ModelFileError
from resnets.model_card import model_card
from resnets.models.build import build
from resnets.packaged import packaged_names
from resnets.spec import ResNetSpec
from resnets.storage import Disk, write_folder
from resnets.views import Views

SPEC = ResNetSpec(num_blocks=(1, 1), width=4, stem="small", num_classes=3, in_channels=1)
PREPROCESSING = Preprocessing(size=12, channels=1, mean=(0.2,), std=(0.3,), resize="pad")


def artifact(**changes: object) -> Artifact:
    model = build(SPEC, seed=0)
    model(torch.randn(8, 1, 12, 12, generator=torch.Generator().manual_seed(0)))
    settings: dict[str, object] = {
        "spec": SPEC,
        "weights": model.state_dict(),
        "class_names": ("cat", "dög", "emu"),
        "preprocessing": PREPROCESSING,
        "architecture": "resnet20",
        "made": {"dataset": "pets", "seed": 3},
        "measured": {"test_accuracy": 0.5, "test_images": 10},
    }
    return Artifact(**{**settings, **changes})  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_artifact(artifact(), tmp_path / "model")
    return tmp_path / "model"


def test_what_is_saved_is_loaded(folder: Path) -> None:
    saved, loaded = artifact(), load_artifact(folder)
    for name in ("spec", "class_names", "preprocessing", "architecture", "made", "measured"):
        assert getattr(loaded, name) == getattr(saved, name)
    images = torch.randn(2, 1, 12, 12)
    again = build(SPEC)
    again.load_state_dict(dict(saved.weights))
    assert torch.equal(loaded.model()(images), again.eval()(images))


def test_views_are_kept_told_and_may_be_missing(tmp_path: Path) -> None:
    views = Views(scale=0.1, flip=True)
    save_artifact(artifact(views=views), tmp_path / "model")
    assert load_artifact(tmp_path / "model").views == views
    assert "views of the picture (scale 0.1, flip True)" in (tmp_path / "model" / "README.md").read_text()
    files = {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir() if file.name != "MANIFEST.json"}
    config = json.loads(files["config.json"])
    del config["views"]  # as an earlier version wrote it
    write_folder(tmp_path / "old", files | {"config.json": json.dumps(config).encode()}, Disk())
    assert load_artifact(tmp_path / "old").views == Views()


def test_a_loaded_model_is_ready_to_answer(folder: Path) -> None:
    model = load_artifact(folder).model()
    assert not model.training
    images = torch.randn(4, 1, 12, 12)
    assert torch.equal(model(images), model(images))


def test_a_run_folder_stands_for_its_model(folder: Path) -> None:
    assert find_artifact(folder.parent) == folder


def test_the_card_names_classes_and_accuracy(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense:")
    assert "cat, dög, emu" in card
    assert "test accuracy: 50.00 %" in card


def test_the_card_says_parts_in_percent_and_leaves_out_what_was_not_given() -> None:
    measured = {"test_accuracy": 0.9974, "test_images": 10_000, "test_interval": [0.99619, 0.99823]}
    config = {
        "architecture": "resnet8",
        "num_classes": 1,
        "label_names": ["0"],
        "made": {"dataset": "mnist", "data": None, "recipe": {"epochs": 1}},
        "measured": measured,
    }
    card = model_card(config)
    assert "- test accuracy: 99.74 %\n- test images: 10000\n- test interval: 99.62 to 99.82 %\n" in card
    assert re.findall(r"## How it was made\n\n(.*)\n\n", card) == ["- dataset: `mnist`"]


def test_any_flipped_bit_of_any_file_is_found(folder: Path) -> None:
    choose = random.Random(1)
    for _ in range(60):
        victim = choose.choice(sorted(folder.iterdir()))
        original = victim.read_bytes()
        place = choose.randrange(len(original))
        victim.write_bytes(
            original[:place] + bytes([original[place] ^ (1 << choose.randrange(8))]) + original[place + 1 :]
        )
        with pytest.raises(ModelFileError):
            load_artifact(folder)
        victim.write_bytes(original)
    load_artifact(folder)


def test_truncated_and_missing_files_are_found(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match="damaged: model.safetensors"):
        load_artifact(folder)
    weights.unlink()
    with pytest.raises(ModelFileError, match="incomplete: model.safetensors cannot be read"):
        load_artifact(folder)


def test_nothing_there_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="There is no model at .*Packaged models"):
        load_artifact(tmp_path / "none")
    with pytest.raises(ModelFileError, match="is not a model folder: it has no config.json"):
        load_artifact(tmp_path)


def rewritten(folder: Path, **changes: object) -> None:
    """A model folder whose manifest fits, but whose config is not right."""
    config = json.loads((folder / "config.json").read_text())
    for name, value in changes.items():
        config[name] = value
    files = {name: (folder / name).read_bytes() for name in ("model.safetensors", "README.md")}
    write_folder(folder, {**files, "config.json": json.dumps(config).encode()}, Disk())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": FORMAT + 1}, "has format 2; this version reads 1"),
        ({"spec": {"width": 0}}, "width must be from 1"),
        ({"spec": {"width": 4, "depth": 9}}, "no setting 'depth'"),
        ({"preprocessing": {"size": "big"}}, "must be a whole number"),
        ({"label_names": None}, "cannot be used"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    rewritten(folder, **changes)
    with pytest.raises(ModelFileError, match=message):
        load_artifact(folder)


def test_a_folder_of_another_library_is_for_import(folder: Path) -> None:
    files = {"config.json": b'{"architecture": "resnet18"}', "model.safetensors": b""}
    write_folder(folder, files, Disk())
    with pytest.raises(ModelFileError, match=f"config.json says no format; .*`resnets import {folder} --as NAME"):
        load_artifact(folder)
    (folder / "MANIFEST.json").unlink()
    with pytest.raises(ModelFileError, match=f"it has no MANIFEST.json; .*`resnets import {folder} --as NAME"):
        load_artifact(folder)


def test_weights_that_do_not_fit_are_named(folder: Path) -> None:
    weights = dict(artifact().weights)
    missing = artifact(weights={name: tensor for name, tensor in weights.items() if name != "stem.conv.weight"})
    with pytest.raises(ModelFileError, match=r"lack 'stem.conv.weight' \(4, 1, 3, 3\)"):
        missing.model()
    with pytest.raises(ModelFileError, match="hold 'extra', which the spec does not have"):
        artifact(weights=weights | {"extra": torch.zeros(1)}).model()
    wrong = artifact(weights=weights | {"head.linear.bias": torch.zeros(7)})
    with pytest.raises(ModelFileError, match=r"'head.linear.bias' should be \(3,\) .*but it is \(7,\)"):
        wrong.model()


def test_a_pickle_in_place_of_weights_is_never_opened(folder: Path, tmp_path: Path) -> None:
    import pickle

    class Canary:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, (f"open({str(tmp_path / 'sung')!r}, 'w')",))

    files = {name: (folder / name).read_bytes() for name in ("config.json", "README.md")}
    write_folder(folder, {**files, "model.safetensors": pickle.dumps(Canary())}, Disk())
    with pytest.raises(ModelFileError):
        load_artifact(folder)
    assert not (tmp_path / "sung").exists()


def test_the_packaged_digit_model_is_small_good_and_says_how_it_was_made() -> None:
    assert "digits" in packaged_names()
    folder = find_artifact("digits")
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 2_000_000
    packaged = load_artifact("digits")
    assert packaged.measured["test_accuracy"] >= 0.997
    assert packaged.measured["test_images"] == 10_000
    assert "seed" in packaged.made
    assert "train" in packaged.made["command"]
    assert safetensors.torch.load_file(folder / "model.safetensors").keys() == packaged.model().state_dict().keys()


@pytest.mark.slow
def test_the_packaged_models_accuracy_is_the_recorded_one() -> None:
    from resnets.data.batches import Batches
    from resnets.data.sources import load
    from resnets.evaluation.evaluate import score

    packaged, test = load_artifact("digits"), load("mnist").test
    assert test is not None
    _, accuracy, _ = score(packaged.model(), Batches(test, batch_size=500, training=False))
    assert abs(accuracy - packaged.measured["test_accuracy"]) <= 0.0002  # one or two images may tip on another machine
