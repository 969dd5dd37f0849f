from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import resnets
from resnets.artifact import Artifact, load_artifact, save_artifact
from resnets.data.preprocessing import Preprocessing
from resnets.errors import ConfigError, ModelFileError
from resnets.exchange.exporting import export_weights
from resnets.exchange.importing import import_weights
from resnets.exchange.preprocessing import preprocessing_from, timm_config
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.network import Network
from resnets.models.pretrained import create
from resnets.models.weights.write import foreign_state, layout_called
from resnets.spec import ResNetSpec, Spec, replace

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
TIMM = {
    "architecture": "resnet18",
    "num_classes": 5,
    "label_names": ["a", "b", "c", "d", "e"],
    "pretrained_cfg": {
        "mean": [0.1, 0.2, 0.3],
        "std": [0.4, 0.5, 0.6],
        "input_size": [3, 160, 160],
        "crop_pct": 0.95,
        "interpolation": "bicubic",
    },
}


def state_of(model: Network, layout: str) -> dict[str, torch.Tensor]:
    return foreign_state(model, layout_called(layout, model.spec))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet-18 of five classes as timm stores it."""
    place = tmp_path_factory.mktemp("timm")
    state = state_of(create("resnet18", seed=3, num_classes=5), "timm")
    safetensors.torch.save_file(state, place / "model.safetensors")
    (place / "config.json").write_text(json.dumps(TIMM))
    return place


class TestCreate:
    def test_pretrained_fills_the_network(self, folder: Path) -> None:
        model, donor = (
            resnets.create("resnet18", pretrained=folder).eval(),
            create("resnet18", seed=3, num_classes=5).eval(),
        )
        assert model.spec.num_classes == 5
        assert torch.equal(model(IMAGES), donor(IMAGES))

    def test_other_classes_and_channels_are_adapted(self, folder: Path) -> None:
        model = resnets.create("resnet18", pretrained=str(folder), num_classes=2, in_channels=1, seed=0)
        assert model(IMAGES[:, :1]).shape == (2, 2)
        filled = create("resnet18", seed=3, num_classes=5).state_dict()["stem.conv.weight"].sum(1, keepdim=True)
        torch.testing.assert_close(model.state_dict()["stem.conv.weight"], filled)

    def test_a_setting_that_the_weights_cannot_have_is_refused(self, folder: Path) -> None:
        with pytest.raises(ModelFileError, match="stem.conv.weight is .* there and .* here"):
            resnets.create("resnet18", pretrained=folder, stem="small")

    def test_v1_follows_weights_of_v1_5_unless_it_was_asked_for(self, tmp_path: Path) -> None:
        donor = create("resnet50", seed=0, num_classes=2)
        path = tmp_path / "model.safetensors"
        safetensors.torch.save_file(state_of(donor, "torchvision"), path)
        model = resnets.create("resnet50_v1", pretrained=path)
        assert model.spec == donor.spec
        with pytest.raises(ModelFileError, match="whose networks have stride_in='3x3'"):
            resnets.create("resnet50_v1", pretrained=path, stride_in="1x1")

    def test_without_it_nothing_is_read(self) -> None:
        assert resnets.create("resnet20", seed=0).spec == spec_of("resnet20")


class TestImport:
    def test_an_artifact_has_weights_names_and_preprocessing(self, folder: Path, tmp_path: Path) -> None:
        artifact, report, notes = import_weights(folder, "resnet18")
        assert report.layout == "torchvision"
        assert artifact.class_names == ("a", "b", "c", "d", "e")
        assert artifact.preprocessing == Preprocessing(
            size=160, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), crop_fraction=0.95, interpolation="bicubic"
        )
        assert notes[0] == "It has 5 classes."
        assert notes[-1].endswith("as its config says.")
        save_artifact(artifact, tmp_path / "model")
        donor = create("resnet18", seed=3, num_classes=5).eval()
        assert torch.equal(load_artifact(tmp_path / "model").model()(IMAGES), donor(IMAGES))

    def test_a_replaced_head_has_new_names(self, folder: Path) -> None:
        artifact, report, _ = import_weights(folder, "resnet18", replace_head=3, channels=1)
        assert artifact.class_names == ("0", "1", "2")
        assert report.replaced == ("head.linear.weight", "head.linear.bias")
        assert artifact.preprocessing.channels == 1
        assert artifact.preprocessing.mean == pytest.approx((0.2,))
        named, _, _ = import_weights(folder, "resnet18", replace_head=3, class_names=("x", "y", "z"))
        assert named.class_names == ("x", "y", "z")

    def test_too_few_names_are_refused(self, folder: Path) -> None:
        with pytest.raises(ConfigError, match="There are 2 class names, but resnet18 has 5 classes here"):
            import_weights(folder, "resnet18", class_names=("x", "y"))


def photo() -> Spec:
    return spec_of("resnet18")


class TestPreprocessing:
    def test_timms_words_and_back(self) -> None:
        own = Preprocessing(size=48, resize="pad", interpolation="bicubic", mean=(0.1, 0.2, 0.3))
        assert preprocessing_from({"pretrained_cfg": timm_config(own)}, photo()) == (own, "its config says")

    @pytest.mark.parametrize("size", [{"shortest_edge": 96}, {"height": 96, "width": 96}, 96])
    def test_transformers_words(self, size: Any) -> None:
        config = {"image_mean": [0.5] * 3, "image_std": [0.2] * 3, "size": size, "crop_pct": 0.875, "resample": 3}
        found, _ = preprocessing_from({"preprocessor_config": config}, photo())
        assert (found.size, found.crop_fraction, found.interpolation) == (96, 0.875, "bicubic")

    def test_where_nobody_says_it_is_what_is_usual(self) -> None:
        found, who = preprocessing_from({}, photo())
        assert (found.size, found.mean, who) == (224, (0.485, 0.456, 0.406), "is usual, as no config says it")
        assert preprocessing_from({}, ResNetSpec.cifar(20))[0].size == 32

    @pytest.mark.parametrize("change", [{"mean": "dark"}, {"std": [0, 0, 0]}, {"input_size": []}, {"crop_mode": "odd"}])
    def test_what_makes_no_sense_is_refused(self, change: dict[str, Any]) -> None:
        config = {"pretrained_cfg": {**TIMM["pretrained_cfg"], **change}}  # type: ignore[dict-item]
        with pytest.raises(ModelFileError, match=r"The preprocessing in config.json cannot be used"):
            preprocessing_from(config, photo())


def artifact(name: str = "resnet18", **changes: Any) -> Artifact:
    spec = replace(spec_of(name), num_classes=3, **changes)
    preprocessing = Preprocessing(size=64, channels=spec.in_channels, mean=(0.5,) * spec.in_channels,
                                  std=(0.2,) * spec.in_channels)  # fmt: skip
    return Artifact(
        spec=spec,
        weights=build(spec, seed=0).state_dict(),
        class_names=("x", "y", "z"),
        preprocessing=preprocessing,
        architecture=name,
    )


class TestExport:
    @pytest.mark.parametrize("library", ["timm", "torchvision"])
    def test_what_is_exported_is_imported_again(self, tmp_path: Path, library: Any) -> None:
        own = artifact()
        line = export_weights(own, library, tmp_path / "theirs")
        assert library in line and str(tmp_path / "theirs") in line
        back, report, _ = import_weights(tmp_path / "theirs", "resnet18")
        assert report.layout == "torchvision"
        assert torch.equal(back.model()(IMAGES), own.model()(IMAGES))
        assert back.class_names == ("x", "y", "z")
        if library == "timm":
            assert back.preprocessing == own.preprocessing

    def test_an_export_is_replaced_by_the_next_one_whatever_the_library(self, tmp_path: Path) -> None:
        for library in ("timm", "torchvision", "timm"):
            export_weights(artifact(), library, tmp_path / "theirs")
            config = json.loads((tmp_path / "theirs" / "config.json").read_text())
            assert ("pretrained_cfg" in config) == (library == "timm")

    def test_timm_is_told_of_grey_images(self, tmp_path: Path) -> None:
        export_weights(artifact(in_channels=1), "timm", tmp_path / "theirs")
        config = json.loads((tmp_path / "theirs" / "config.json").read_text())
        assert config["model_args"] == {"in_chans": 1}
        assert config["pretrained_cfg"]["input_size"] == [1, 64, 64]

    @pytest.mark.parametrize(
        ("library", "name", "changes", "message"),
        [
            ("timm", "resnet18", {"stem": "small"}, "timm's resnet18 has stem='large', but this network has 'small'"),
            ("torchvision", "resnet18", {"in_channels": 1}, "torchvision's resnet18 has in_channels=3"),
            (
                "torchvision",
                "resnet20",
                {},
                r"torchvision has no resnet20. It has \d+ of the networks here, e.g. resnet18, resnet34",
            ),
            ("timm", "resnet18", {"pooling": "max"}, "has pooling='average'"),
        ],
    )
    def test_a_network_that_the_library_has_not_is_refused(
        self, tmp_path: Path, library: Any, name: str, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConfigError, match=message):
            export_weights(artifact(name, **changes), library, tmp_path / "theirs")
        assert not (tmp_path / "theirs").exists()
