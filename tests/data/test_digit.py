from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from resnets.data import mnist
from resnets.data.decode import open_image
from resnets.data.digit import fit_digit
from resnets.data.ink import find_ink, paper
from resnets.errors import ImageError

Picture = NDArray[np.uint8]

STROKES = [(0.3, 0.25), (0.55, 0.15), (0.7, 0.3), (0.6, 0.5), (0.3, 0.8), (0.75, 0.82)]
"""A two, in parts of the picture's side."""


def _drawn(side: int = 280, *, ink: str = "black", paper: str = "white", mode: str = "RGB") -> Image.Image:
    scale = 4  # drawn larger and shrunk, for soft edges
    image = Image.new(mode, (scale * side, scale * side), paper)
    pen = ImageDraw.Draw(image)
    points = [(scale * side * x, scale * side * y) for x, y in STROKES]
    width = scale * side // 14
    pen.line(points, fill=ink, width=width, joint="curve")
    for x, y in points:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=ink)
    return image.resize((side, side), Image.Resampling.BOX)


def _seen(image: Image.Image) -> Picture:
    picture = fit_digit(image)
    assert picture.shape == (1, 28, 28)
    assert picture.dtype == torch.uint8
    return picture[0].numpy()


def _distance(one: Picture, other: Picture) -> float:
    """Mean difference over all pixels, of 255."""
    return float(np.abs(one.astype(int) - other).mean())


def _distance_anywhere(one: Picture, other: Picture) -> float:
    """The same but for a pixel's shift: a centre of mass at half a pixel may be rounded either way."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(_distance(np.roll(one, move, axis=(0, 1)), other) for move in moves)


def _centre(picture: Picture) -> tuple[float, float]:
    weights = picture.astype(float) / picture.sum()
    return float((weights.sum(axis=1) * np.arange(28)).sum()), float((weights.sum(axis=0) * np.arange(28)).sum())


def _placed(image: Image.Image, left: int, top: int, side: int = 500) -> Image.Image:
    canvas = Image.new("RGB", (side, side + 77), image.getpixel((0, 0)))
    canvas.paste(image, (left, top))
    return canvas


def _photographed(image: Image.Image, *, shade: float, noise: float) -> Image.Image:
    """On yellowish paper, lit from one corner, with the noise of a sensor."""
    levels = np.asarray(image.convert("L"), dtype=float)[:, :, None] / 255
    height, width = levels.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 220 - shade * (0.6 * x + 0.4 * y**2)[:, :, None]
    colours = light * np.array([1, 0.96, 0.88]) * (0.4 + 0.6 * levels)
    colours = colours + np.random.default_rng(0).normal(0, noise, colours.shape) if noise else colours
    return Image.fromarray(colours.clip(0, 255).astype(np.uint8))


def _as_file(image: Image.Image, orientation: int = 1) -> Image.Image:
    notes = Image.Exif()
    notes[0x0112] = orientation
    buffer = BytesIO()
    image.save(buffer, "PNG", exif=notes)
    return open_image(buffer.getvalue())


def _transparent(ink: str) -> Image.Image:
    mask = ImageOps.invert(_drawn().convert("L"))
    image = Image.new("RGBA", mask.size, ink)
    image.putalpha(mask)
    return image


VARIATIONS: dict[str, Callable[[], Image.Image]] = {
    "light on dark": lambda: _drawn(ink="white", paper="black"),
    "grey": lambda: _drawn(mode="L"),
    "pale": lambda: _drawn(ink="#999999", paper="#bbbbbb"),
    "blue on yellow": lambda: _drawn(ink="#0000c0", paper="#f0f080"),
    "yellow on blue": lambda: _drawn(ink="#f0f080", paper="#0000c0"),
    "red on green, equally bright": lambda: _drawn(ink="#ff0000", paper="#008200"),
    "small": lambda: _drawn(56),
    "large": lambda: _drawn(1200),
    "aside": lambda: _placed(_drawn(), 20, 200),
    "light on dark, aside": lambda: _placed(_drawn(ink="white", paper="black"), 180, 30),
    "black on nothing": lambda: _as_file(_transparent("black")),
    "white on nothing": lambda: _as_file(_transparent("white")),
    "turned by the camera": lambda: _as_file(_drawn().transpose(Image.Transpose.ROTATE_90), orientation=6),
    "mirrored by the camera": lambda: _as_file(_drawn().transpose(Image.Transpose.FLIP_LEFT_RIGHT), orientation=2),
    "shadow": lambda: _photographed(_drawn(), shade=120, noise=0),
    "shadow and noise": lambda: _photographed(_drawn(), shade=80, noise=6),
    "shadow, light on dark": lambda: _photographed(_drawn(ink="white", paper="black"), shade=60, noise=4),
    "photo of a large sheet": lambda: _photographed(_placed(_drawn(), 300, 150, side=900), shade=100, noise=6),
}


@pytest.mark.parametrize("variation", VARIATIONS)
def test_one_drawing_looks_the_same_however_it_is_made(variation: str) -> None:
    assert _distance_anywhere(_seen(VARIATIONS[variation]()), _seen(_drawn())) < 8


def test_other_drawings_look_different() -> None:
    upside_down = _drawn().transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    assert _distance_anywhere(_seen(upside_down), _seen(_drawn())) > 25


def test_a_drawing_fills_the_box_and_lies_in_the_middle() -> None:
    picture = _seen(_drawn())
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    assert rows[-1] - rows[0] + 1 == 20
    assert columns[-1] - columns[0] + 1 < 20
    assert all(abs(centre - 14) <= 0.51 for centre in _centre(picture))
    assert picture.max() == 255
    assert picture[0, 0] == 0


def test_every_test_image_of_mnist_comes_back_unchanged() -> None:
    images, _ = mnist.read()
    for image in images[mnist.TRAIN :: 7]:
        np.testing.assert_array_equal(_seen(Image.fromarray(image)), image)


@pytest.mark.parametrize("resampling", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
def test_mnist_enlarged_and_inverted_comes_back_nearly(resampling: Image.Resampling) -> None:
    images, _ = mnist.read()
    distances = []
    for image in images[mnist.TRAIN : mnist.TRAIN + 25]:
        enlarged = ImageOps.invert(Image.fromarray(image).resize((196, 196), resampling))
        distances.append(_distance_anywhere(_seen(enlarged), image))
    assert np.mean(distances) < 6  # two different digits differ by 40
    assert max(distances) < 16


def test_mnist_moved_aside_comes_back_nearly() -> None:
    images, _ = mnist.read()
    moved = [ImageOps.expand(Image.fromarray(image), (9, 2, 1, 30)) for image in images[mnist.TRAIN : mnist.TRAIN + 30]]
    distances = [_distance(_seen(image), images[mnist.TRAIN + place]) for place, image in enumerate(moved)]
    assert np.median(distances) < 1


@pytest.mark.parametrize("width", [1, 3, 6])
def test_strokes_of_any_pen_become_as_thick_as_a_thin_pens(width: int) -> None:
    image = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(image).line([(120, 60), (280, 60), (180, 340)], fill=0, width=width, joint="curve")
    across = (_seen(image) > 100)[10:20].sum(axis=1)  # the long stroke of a seven, row by row
    assert across.min() >= 1
    assert 1.2 <= across.mean() <= 2.5


def test_specks_are_left_out() -> None:
    image = _drawn()
    pen = ImageDraw.Draw(image)
    for x, y in ((10, 12), (260, 20), (15, 262)):
        pen.ellipse((x, y, x + 5, y + 5), fill="black")
    assert _distance(_seen(image), _seen(_drawn())) < 1


def test_separate_strokes_of_a_digit_stay() -> None:
    image = Image.new("L", (200, 200), 255)
    pen = ImageDraw.Draw(image)
    pen.line([(60, 80), (60, 130), (120, 130), (120, 170), (60, 170)], fill=0, width=14)
    pen.line([(80, 40), (130, 40)], fill=0, width=14)  # the top of a five, lifted off
    picture = _seen(image)
    assert picture[:8].any()
    rows = np.flatnonzero(picture.any(axis=1))
    assert rows[-1] - rows[0] + 1 == 20


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (28, 28), (500, 400)])
@pytest.mark.parametrize("level", [0, 127, 255])
def test_a_blank_picture_has_no_digit(size: tuple[int, int], level: int) -> None:
    with pytest.raises(ImageError, match="No digit was found: the picture is blank"):
        fit_digit(Image.new("L", size, level))


def test_paper_with_shadow_and_noise_alone_has_no_digit() -> None:
    blank = Image.new("RGB", (300, 300), "white")
    with pytest.raises(ImageError, match="No digit was found"):
        fit_digit(_photographed(blank, shade=60, noise=1))


@pytest.mark.parametrize("size", [(3, 2), (1, 40), (40, 1), (28, 28), (37, 900)])
def test_noise_of_any_size_does_not_break_anything(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    assert _seen(Image.fromarray(noise)).max() == 255


def test_paper_follows_a_shadow_under_the_ink() -> None:
    y, x = np.mgrid[-1:1:80j, -1:1:100j]
    sheet = (180 + 20 * x - 30 * y - 15 * x * y - 10 * y * y)[:, :, None] * np.ones(3)
    inked = sheet.copy()
    inked[20:60, 40:50] -= 100
    np.testing.assert_allclose(paper(inked.astype(np.float32)), sheet, atol=2)


def test_ink_is_full_inside_strokes_and_none_on_paper() -> None:
    ink = find_ink(_photographed(_drawn(), shade=80, noise=3))
    strokes = np.asarray(_drawn().convert("L"))
    assert np.median(ink[strokes < 10]) > 0.95
    assert np.mean(ink[strokes > 250] > 0.1) < 0.01
