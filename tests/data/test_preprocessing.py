from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from resnets.data.digit import fit_digit
from resnets.data.preprocessing import Preprocessing, fit_photo, normalise, prepare
from resnets.errors import ConfigError
from resnets.values import from_json, to_json

GREY: dict[str, Any] = {"channels": 1, "mean": (0.5,), "std": (0.5,)}


def _halves(width: int, height: int) -> Image.Image:
    """Left half red, right half blue, with a green rim of a tenth on all sides."""
    image = Image.new("RGB", (width, height), "lime")
    pen = ImageDraw.Draw(image)
    pen.rectangle((width // 10, height // 10, width // 2 - 1, height - height // 10 - 1), fill="red")
    pen.rectangle((width // 2, height // 10, width - width // 10 - 1, height - height // 10 - 1), fill="blue")
    return image


def _colour(picture: torch.Tensor, row: int, column: int) -> list[int]:
    return picture[:, row, column].tolist()


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(7, 5), (5, 7), (1, 1), (1, 500), (500, 1), (64, 64), (333, 100)])
def test_any_picture_gets_the_size_and_channels_asked_for(size: tuple[int, int], channels: int, resize: Any) -> None:
    settings = Preprocessing(size=16, channels=channels, mean=(0.5,) * channels, std=(0.5,) * channels, resize=resize)
    for mode in ("L", "RGB"):
        picture = fit_photo(Image.new(mode, size, 128 if mode == "L" else (128, 128, 128)), settings)
        assert picture.shape == (channels, 16, 16)
        assert picture.dtype == torch.uint8
        assert (picture == 128).all()  # what `pad` fills up with is middle grey too


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_a_picture_of_the_right_size_is_left_alone(resize: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    picture = fit_photo(Image.fromarray(pixels), Preprocessing(size=16, resize=resize))
    np.testing.assert_array_equal(picture.permute(1, 2, 0), pixels)


def test_crop_keeps_the_middle() -> None:
    picture = fit_photo(_halves(400, 200), Preprocessing(size=20, resize="crop"))
    assert _colour(picture, 10, 1) == [255, 0, 0]  # the rims at left and right are gone
    assert _colour(picture, 10, 18) == [0, 0, 255]
    assert _colour(picture, 0, 10) == [0, 255, 0]


def test_pad_keeps_everything_and_fills_up_with_grey() -> None:
    picture = fit_photo(_halves(400, 200), Preprocessing(size=20, resize="pad", mean=(0.1, 0.9, 0.3)))
    assert _colour(picture, 2, 10) == _colour(picture, 17, 10) == [128, 128, 128]
    assert _colour(picture, 10, 0) == _colour(picture, 10, 19) == [0, 255, 0]
    assert _colour(picture, 10, 5) == [255, 0, 0]


def test_stretch_keeps_everything_out_of_shape() -> None:
    picture = fit_photo(_halves(400, 200), Preprocessing(size=20, resize="stretch"))
    assert _colour(picture, 0, 10) == _colour(picture, 10, 0) == [0, 255, 0]
    assert _colour(picture, 4, 5) == [255, 0, 0]


def test_shrinking_averages_over_all_pixels() -> None:
    checks = ((np.indices((320, 320)).sum(axis=0) % 2) * 255).astype(np.uint8)
    picture = fit_photo(Image.fromarray(checks), Preprocessing(size=10, **GREY))
    assert (picture.float() - 127.5).abs().max() <= 1.5


def test_prepare_goes_by_kind() -> None:
    image = Image.new("L", (50, 50), 255)
    ImageDraw.Draw(image).line([(25, 10), (25, 40)], fill=0, width=4)
    digit = Preprocessing(kind="digit", size=28, **GREY)
    photo = Preprocessing(size=28, **GREY)
    assert torch.equal(prepare(image, digit), fit_digit(image))
    assert torch.equal(prepare(image, photo), fit_photo(image, photo))
    assert not torch.equal(prepare(image, digit), prepare(image, photo))


def test_normalise_is_the_formula_with_channels_last() -> None:
    settings = Preprocessing(mean=(0.1, 0.5, 0.9), std=(0.2, 0.3, 0.4), size=5)
    images = torch.randint(0, 256, (3, 3, 5, 5), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    before = images.clone()
    normalised = normalise(images, settings)
    expected = (images.double() / 255 - torch.tensor([0.1, 0.5, 0.9])[:, None, None]) / torch.tensor([0.2, 0.3, 0.4])[
        :, None, None
    ]
    torch.testing.assert_close(normalised.double(), expected, atol=1e-5, rtol=0, check_stride=False)
    assert normalised.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 2}, "channels must be 1 .grey. or 3 .colour., got 2"),
        ({"mean": (0.5,)}, "mean and std need one number for each of the 3 channels"),
        ({"std": (0.5, 0.5, 0.0)}, "std must be above 0"),
        ({"kind": "digit"}, "kind='digit' is 28 pixels and grey, got size=32, channels=3"),
        ({"size": 0}, "size must be from 1 to 4,096, got 0"),
        ({"resize": "squash"}, "resize must be one of crop, pad, stretch"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Preprocessing(**changes)


def test_settings_survive_json() -> None:
    settings = Preprocessing(size=64, mean=(0.1, 0.2, 0.3), resize="pad")
    assert from_json(Preprocessing, to_json(settings)) == settings
