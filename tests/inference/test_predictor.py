from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
import torch
from PIL import Image

from resnets.artifact import Artifact
from resnets.data.preprocessing import Preprocessing, normalise
from resnets.errors import ConfigError, ImageError, ModelFileError
from resnets.inference.predictor import Predictor
from resnets.models.build import build
from resnets.spec import ResNetSpec
from resnets.views import Views

SPEC = ResNetSpec(num_blocks=(1,), width=4, stem="small", num_classes=3)
PREPROCESSING = Preprocessing(size=16, channels=3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


def artifact() -> Artifact:
    return Artifact(
        spec=SPEC,
        weights=build(SPEC, seed=1).state_dict(),
        class_names=("a", "b", "c"),
        preprocessing=PREPROCESSING,
        architecture="resnet20",
    )


@pytest.fixture
def predictor() -> Predictor:
    return Predictor(artifact())


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = torch.randint(256, (20, 30, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    Image.fromarray(pixels.numpy()).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_probabilities_are_the_softmax_of_the_models_logits(predictor: Predictor, picture: Path) -> None:
    prediction = predictor(picture)
    logits = predictor.model(normalise(prediction.seen[None], PREPROCESSING))[0]
    expected = dict(zip("abc", torch.softmax(logits, 0).tolist(), strict=True))
    found = dict(zip(prediction.classes, prediction.probabilities, strict=True))
    assert found == pytest.approx(expected, rel=1e-5)
    assert list(prediction.probabilities) == sorted(prediction.probabilities, reverse=True)
    assert (prediction.name, prediction.probability) == (prediction.classes[0], prediction.probabilities[0])


def test_views_are_the_artifacts_unless_others_are_asked_for(predictor: Predictor, picture: Path) -> None:
    views = Views(rotate=20)
    own = Predictor(dataclasses.replace(artifact(), views=views))
    asked = Predictor(artifact(), views=views)
    alone = Predictor(dataclasses.replace(artifact(), views=views), views=Views())
    assert own(picture) == asked(picture) != predictor(picture)
    assert alone(picture) == predictor(picture)


def test_path_bytes_and_image_give_the_same_answer(predictor: Predictor, picture: Path) -> None:
    answers = [predictor(picture), predictor(picture.read_bytes()), predictor(Image.open(picture))]
    assert answers[0] == answers[1] == answers[2]


def test_neighbours_in_the_batch_do_not_matter(predictor: Predictor, picture: Path) -> None:
    one = predictor.prepare(picture)
    others = [torch.randint(256, one.shape).to(torch.uint8) for _ in range(6)]
    alone, in_company = predictor.predict([one])[0], predictor.predict([*others, one])[-1]
    assert alone.classes == in_company.classes
    assert alone.probabilities == pytest.approx(in_company.probabilities, rel=1e-5)


def test_k_is_never_more_than_the_classes(predictor: Predictor, picture: Path) -> None:
    assert len(predictor(picture, top_k=100).classes) == 3
    assert len(predictor(picture, top_k=1).classes) == 1
    with pytest.raises(ConfigError, match="top_k must be from 1"):
        predictor(picture, top_k=0)


def test_no_pictures_no_answers(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


def test_a_broken_picture_is_an_image_error(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ImageError, match=r"broken\.png"):
        predictor(tmp_path / "broken.png")


def test_weights_that_give_no_number_are_a_model_error(picture: Path) -> None:
    broken = artifact()
    weights = {name: tensor.clone() for name, tensor in broken.weights.items()}
    weights["head.linear.bias"][1] = float("nan")
    with pytest.raises(ModelFileError, match="not a finite number"):
        Predictor(
            Artifact(
                spec=SPEC,
                weights=weights,
                class_names=broken.class_names,
                preprocessing=PREPROCESSING,
                architecture="x",
            )
        )(picture)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_of_a_photo_are_the_same_photo(
    predictor: Predictor, picture: Path, orientation: int
) -> None:
    """A camera stores the picture as its sensor lay, and a tag that says how to turn it."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    upright = Image.open(picture)
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = io.BytesIO()
    stored.save(content, "PNG", exif=exif)
    assert predictor(content.getvalue()) == predictor(picture)
