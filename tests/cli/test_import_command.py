from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
from command import Command

from resnets.artifact import load_artifact
from resnets.models.network import Network
from resnets.models.pretrained import create
from resnets.models.weights.write import foreign_state, layout_called
from resnets.packaged import PACKAGED
from resnets.spec import ResNetSpec


def state_of(model: Network, layout: str) -> dict[str, torch.Tensor]:
    return foreign_state(model, layout_called(layout, model.spec))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CIFAR net as akamaster's project names its weights."""
    state = state_of(create("resnet20", seed=0), "akamaster/pytorch_resnet_cifar10")
    path = tmp_path_factory.mktemp("theirs") / "resnet20.safetensors"
    safetensors.torch.save_file({f"module.{name}": tensor for name, tensor in state.items()}, path)
    return path


def test_import_says_what_became_of_the_weights(command: Command, weights: Path, tmp_path: Path) -> None:
    done = command("import", weights, "--as", "resnet20", "--out", tmp_path / "model")
    assert done.code == 0, done.err
    assert "in the layout of akamaster/pytorch_resnet_cifar10." in done.out
    assert f"Model: {tmp_path / 'model'}" in done.out
    assert torch.equal(
        load_artifact(tmp_path / "model").weights["head.linear.bias"],
        create("resnet20", seed=0).state_dict()["head.linear.bias"],
    )


def test_import_as_json_with_another_head_and_names(command: Command, weights: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("cat\ndog\n")
    options = ("--replace-head", 2, "--classes", names, "--json")
    done = command("import", weights, "--as", "resnet20", "--out", tmp_path / "model", *options)
    report = json.loads(done.out)
    assert report["replaced"] == ["head.linear.weight", "head.linear.bias"]
    assert load_artifact(tmp_path / "model").class_names == ("cat", "dog")
    missing = command("import", weights, "--as", "resnet20", "--out", tmp_path / "m", "--classes", tmp_path / "none")
    assert missing.code == 4 and "class names" in missing.err


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [("resnet34", 5, "They fit resnet20"), ("resnet_20", 3, "Did you mean 'resnet20'?")],
)
def test_what_does_not_fit_is_one_sentence(
    command: Command, weights: Path, tmp_path: Path, name: str, code: int, message: str
) -> None:
    done = command("import", weights, "--as", name, "--out", tmp_path / "model")
    assert done.code == code
    assert message in done.err
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "line", [("import", "{weights}", "--as", "resnet20"), ("export-weights", "digits", "--to", "timm")]
)
def test_a_users_files_are_not_replaced(command: Command, weights: Path, tmp_path: Path, line: tuple[str, ...]) -> None:
    photos, letter = tmp_path / "photos", tmp_path / "letter.txt"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(b"light")
    letter.write_text("dear")
    for place in (photos, letter):
        done = command(*(word.format(weights=weights) for word in line), "--out", place)
        assert done.code == 7, done.err
        assert "give the name of a new folder" in done.err
    assert (photos / "a.jpg").read_bytes() == b"light"
    assert letter.read_text() == "dear"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["letter.txt", "photos"]


@pytest.mark.parametrize(
    "line", [("import", "{weights}", "--as", "resnet20"), ("export-weights", "digits", "--to", "timm")]
)
def test_a_trained_model_is_not_replaced(
    command: Command, weights: Path, tmp_path: Path, line: tuple[str, ...]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(PACKAGED / "digits", model)
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    done = command(*(word.format(weights=weights) for word in line), "--out", model)
    assert done.code == 7
    assert done.err == (
        f"resnets: {model} holds what `resnets {line[0]}` did not write and is left as it is; give the name of a new "
        "folder.\n"
    )
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before
    assert list(tmp_path.iterdir()) == [model]


def test_an_import_is_replaced_by_the_next_one(command: Command, weights: Path, tmp_path: Path) -> None:
    for classes in (2, 3):
        options = ("--as", "resnet20", "--out", tmp_path / "model", "--replace-head", classes)
        assert command("import", weights, *options).code == 0
    assert load_artifact(tmp_path / "model").spec.num_classes == 3


def test_export_tells_how_to_load(command: Command, weights: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    refused = command("export-weights", "digits", "--to", "timm", "--out", tmp_path / "theirs")
    assert refused.code == 3 and "timm has no resnet8. It has 53 of the networks here, e.g. resnet18" in refused.err
    state = state_of(create("resnet18", seed=0, num_classes=2), "torchvision")
    safetensors.torch.save_file(state, tmp_path / "r18.safetensors")
    assert command("import", tmp_path / "r18.safetensors", "--as", "resnet18", "--out", model).code == 0
    done = command("export-weights", model, "--to", "timm", "--out", tmp_path / "theirs")
    assert done.code == 0, done.err
    assert f'timm.create_model("local-dir:{tmp_path / "theirs"}", pretrained=True)' in done.out.replace("\n", "")


def test_training_refuses_weights_of_another_network_before_it_begins(
    command: Command, toy: Path, weights: Path, tmp_path: Path
) -> None:
    done = command("train", toy, "--model", "resnet32", "--pretrained", weights, "--runs", tmp_path / "runs")
    assert done.code == 5
    assert "cannot fill this network" in done.err and "They fit resnet20" in done.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_training_starts_from_weights(command: Command, toy: Path, tmp_path: Path) -> None:
    """Zero steps of learning: what comes out is what went in, but for the classifier."""
    donor = create("resnet20", seed=7, num_classes=3, num_blocks=(1,), width=4, stem="pooled")
    assert isinstance(donor.spec, ResNetSpec)
    from resnets.artifact import Artifact, save_artifact
    from resnets.data.preprocessing import Preprocessing

    preprocessing = Preprocessing(size=16, mean=(0.3, 0.2, 0.1), std=(0.5, 0.5, 0.5))
    save_artifact(
        Artifact(
            spec=donor.spec,
            weights=donor.state_dict(),
            class_names=("a", "b", "c"),
            preprocessing=preprocessing,
            architecture="resnet20",
        ),
        tmp_path / "donor",
    )
    options = ("--num-blocks", "1", "--width", "4", "--stem", "pooled", "--epochs", "0.1", "--learning-rate", "1e-9")
    done = command(
        "train", toy, "--model", "resnet20", "--pretrained", tmp_path / "donor", *options, "--momentum", "0",
        "--weight-decay", "0", "--threads", "1", "--ema-decay", "0", "--runs", tmp_path / "runs",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "The classifier is fresh" in done.err
    trained = load_artifact(next((tmp_path / "runs").iterdir()))
    assert trained.preprocessing.mean == pytest.approx((0.2,))
    wanted = donor.state_dict()["stem.conv.weight"].sum(dim=1, keepdim=True)
    torch.testing.assert_close(trained.weights["stem.conv.weight"], wanted, rtol=1e-4, atol=1e-5)
