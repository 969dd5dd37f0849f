from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import PIL.ImageFile
import pytest
from numpy.typing import NDArray
from PIL import Image

from resnets.data.decode import FORMATS, MAX_PIXELS, open_image
from resnets.errors import ImageError

COLOURS = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)
PICTURE = Image.fromarray(COLOURS)
GREY = PICTURE.convert("L")


def _encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _png(width: int, height: int, depth: int = 8, colour: int = 0, data: bytes = b"") -> bytes:
    """A PNG put together by hand, so that its header may claim anything."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def _pixels(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(open_image(content))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_lossless_formats_give_every_pixel(kind: str) -> None:
    np.testing.assert_array_equal(_pixels(_encoded(PICTURE, kind, lossless=True)), COLOURS)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 100}])
def test_jpeg_is_read(options: dict[str, Any]) -> None:
    smooth = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    difference = np.abs(_pixels(_encoded(smooth, "JPEG", **options)).astype(int) - np.asarray(smooth))
    assert difference.max() <= 8


def test_content_counts_and_not_the_name(tmp_path: Path) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(_encoded(PICTURE, "PNG"))
    np.testing.assert_array_equal(np.asarray(open_image(file)), COLOURS)
    np.testing.assert_array_equal(np.asarray(open_image(str(file))), COLOURS)


TRANSPARENT = np.dstack([COLOURS, np.where(np.arange(4) == 0, 0, 255)[None].repeat(6, axis=0).astype(np.uint8)])
FLAT = COLOURS.copy()
FLAT[:, 0] = 255
GREY_FLAT = np.asarray(GREY).copy()
GREY_FLAT[:, 0] = 255


def _palette_with_transparency() -> bytes:
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(6, 4), mode="P")
    palette = COLOURS.reshape(-1, 3).copy()
    image.putpalette(palette.tobytes())
    return _encoded(image, transparency=bytes([0 if place % 4 == 0 else 255 for place in range(24)]))


MODES: dict[str, tuple[Callable[[], bytes], NDArray[Any]]] = {
    "1": (lambda: _encoded(GREY.point(lambda level: 255 * (level > 99), mode="1")), 255 * (np.asarray(GREY) > 99)),
    "L": (lambda: _encoded(GREY), np.asarray(GREY)),
    "LA": (lambda: _encoded(_with_alpha(GREY)), np.dstack([GREY_FLAT] * 3)),
    "P": (lambda: _encoded(PICTURE.quantize(24)), np.asarray(PICTURE.quantize(24).convert("RGB"))),
    "P with transparency": (_palette_with_transparency, FLAT),
    "RGB": (lambda: _encoded(PICTURE), COLOURS),
    "RGB with a transparent colour": (
        lambda: _encoded(PICTURE, transparency=tuple(COLOURS[1, 2].tolist())),
        np.where((COLOURS[1, 2] == COLOURS).all(axis=2, keepdims=True), 255, COLOURS),
    ),
    "RGBA": (lambda: _encoded(Image.fromarray(TRANSPARENT)), FLAT),
    "CMYK": (lambda: _encoded(PICTURE.convert("CMYK"), "TIFF"), np.asarray(PICTURE.convert("CMYK").convert("RGB"))),
    "YCbCr": (lambda: _encoded(PICTURE.convert("YCbCr"), "TIFF"), np.asarray(PICTURE.convert("YCbCr").convert("RGB"))),
    "I;16": (lambda: _encoded(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)), np.asarray(GREY)),
    "dark I;16": (lambda: _encoded(Image.fromarray(np.asarray(GREY).astype(np.uint16))), np.asarray(GREY) / 257),
    "I;16B": (lambda: _png(4, 6, 16, 0, _rows(np.asarray(GREY).astype(">u2") * 257)), np.asarray(GREY)),
    "I of 8 bits": (lambda: _encoded(Image.fromarray(np.asarray(GREY).astype(np.int32)), "TIFF"), np.asarray(GREY)),
    "I of 16 bits": (
        lambda: _encoded(Image.fromarray(np.asarray(GREY).astype(np.int32) * 257), "TIFF"),
        np.asarray(GREY),
    ),
    "F of fractions": (
        lambda: _encoded(Image.fromarray(np.asarray(GREY).astype(np.float32) / 255), "TIFF"),
        np.asarray(GREY),
    ),
    "F of levels": (lambda: _encoded(Image.fromarray(np.asarray(GREY).astype(np.float32)), "TIFF"), np.asarray(GREY)),
}


def _with_alpha(grey: Image.Image) -> Image.Image:
    image = grey.convert("LA")
    image.putalpha(Image.fromarray(TRANSPARENT[:, :, 3]))
    return image


def _rows(levels: NDArray[Any]) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in levels)


@pytest.mark.parametrize("mode", MODES)
def test_every_colour_mode_becomes_eight_bits_over_white(mode: str) -> None:
    encode, expected = MODES[mode]
    image = open_image(encode())
    assert image.mode == ("L" if expected.ndim == 2 else "RGB")
    np.testing.assert_array_equal(np.asarray(image), np.round(expected).astype(np.uint8))


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    pixels = np.array([[(0, 0, 0, 255), (200, 100, 0, 51)]], dtype=np.uint8)
    mixed = _pixels(_encoded(Image.fromarray(pixels)))
    np.testing.assert_array_equal(mixed, [[(0, 0, 0), (244, 224, 204)]])  # 20 % of the colour, 80 % of white


def test_white_ink_on_nothing_is_shown_on_black() -> None:
    pixels = np.full((5, 5, 4), 255, dtype=np.uint8)
    pixels[:, :, 3] = 0
    pixels[1:4, 2, 3] = 255
    np.testing.assert_array_equal(_pixels(_encoded(Image.fromarray(pixels)))[:, :, 0], pixels[:, :, 3])


def test_fractions_without_meaning_are_black() -> None:
    levels = np.array([[np.nan, np.inf, -3, 0.5, 1]], dtype=np.float32)
    np.testing.assert_array_equal(_pixels(_encoded(Image.fromarray(levels), "TIFF")), [[0, 0, 0, 128, 255]])


def test_numbers_beyond_all_known_whites_are_scaled_by_the_largest() -> None:
    levels = np.array([[0, 100_000, 200_000]], dtype=np.float32)
    np.testing.assert_array_equal(_pixels(_encoded(Image.fromarray(levels), "TIFF")), [[0, 128, 255]])


def _stored(shown: NDArray[Any], orientation: int) -> NDArray[Any]:
    """How a camera stores what is to be shown after applying its EXIF orientation."""
    turned = {
        1: shown,
        2: shown[:, ::-1],
        3: shown[::-1, ::-1],
        4: shown[::-1],
        5: shown.transpose(1, 0, 2),
        6: np.rot90(shown),
        7: np.rot90(shown, 2).transpose(1, 0, 2),
        8: np.rot90(shown, -1),
    }
    return turned[orientation]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_show_the_same_picture(orientation: int, kind: str) -> None:
    notes = Image.Exif()
    notes[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(_stored(COLOURS, orientation)))
    np.testing.assert_array_equal(_pixels(_encoded(stored, kind, exif=notes, lossless=True)), COLOURS)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_jpeg_is_applied(orientation: int) -> None:
    notes = Image.Exif()
    notes[0x0112] = orientation
    corner = np.zeros((16, 24, 3), dtype=np.uint8)
    corner[:8, :8] = 255
    stored = Image.fromarray(np.ascontiguousarray(_stored(corner, orientation)))
    shown = _pixels(_encoded(stored, "JPEG", exif=notes, quality=95))
    assert shown.shape == corner.shape
    assert np.abs(shown.astype(int) - corner).max() < 20


@pytest.mark.parametrize(
    "notes", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0II*\0\xff\xff\xff\xff"]
)
def test_damaged_notes_beside_sound_pixels_do_no_harm(notes: bytes) -> None:
    np.testing.assert_array_equal(_pixels(_encoded(PICTURE, "PNG", exif=notes)), COLOURS)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_several_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    content = _encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(_pixels(content)[0, 0], [255, 0, 0])


def test_large_jpeg_photos_come_smaller_and_others_whole() -> None:
    content = _encoded(Image.new("L", (4200, 4100)), "JPEG")
    assert open_image(content).size == (1050, 1025)
    assert open_image(_encoded(Image.new("L", (2100, 2047)), "JPEG")).size == (2100, 2047)


BOMBS = {
    "huge in both directions": _png(30_000, 30_000),
    "long and thin": _png(2**31 - 1, 1),
    "just too large": _png(9_460, 9_460),
    "largest of all": _png(2**31 - 1, 2**31 - 1),
}


@pytest.mark.parametrize("name", BOMBS)
def test_decompression_bombs_are_refused_by_their_header(name: str) -> None:
    with pytest.raises(ImageError, match=r"The picture is too large.* at most 89,478,485 pixels are allowed"):
        open_image(BOMBS[name])


def test_a_refusal_states_size_and_limit() -> None:
    with pytest.raises(ImageError, match="is too large: 4 x 6 pixels; at most 20 pixels are allowed"):
        open_image(_encoded(PICTURE), max_pixels=20)
    assert open_image(_encoded(PICTURE), max_pixels=24).size == (4, 6)
    assert MAX_PIXELS == 89_478_485


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_a_picture_that_was_cut_off_is_refused(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    content = _encoded(noise, kind)
    for length in (len(content) // 4, len(content) // 2, len(content) * 3 // 4):
        with pytest.raises(ImageError):
            open_image(content[:length])


def test_what_is_no_picture_is_refused_with_its_name(tmp_path: Path) -> None:
    for name, content, reason in (
        ("empty.png", b"", "is empty"),
        ("text.jpg", b"not a picture at all", "is not a picture that can be read .formats: PNG, JPEG, WEBP"),
        ("icon.png", _encoded(PICTURE, "ICO"), "is not a picture that can be read"),
        ("vector.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture that can be read"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=f"{name} {reason}"):
            open_image(tmp_path / name)
    with pytest.raises(ImageError, match="none.png cannot be read: No such file or directory"):
        open_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match="cannot be read: Is a directory"):
        open_image(tmp_path)
    with pytest.raises(ImageError, match="The picture is empty"):
        open_image(b"")


def test_formats_are_an_allow_list() -> None:
    for kind in ("ICO", "PPM", "TGA", "PCX", "SGI", "JPEG2000", "DDS"):
        assert kind not in FORMATS
        with pytest.raises(ImageError):
            open_image(_encoded(PICTURE, kind))


SEEDS = [
    _encoded(PICTURE.resize((31, 17)), kind, **options)
    for kind, options in (
        ("PNG", {}),
        ("PNG", {"exif": Image.Exif(), "optimize": True}),
        ("JPEG", {"quality": 60}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    )
]


def test_five_hundred_damaged_files_give_a_picture_or_a_sentence() -> None:
    random = np.random.default_rng(0)
    refused = 0
    for number in range(500):
        content = bytearray(SEEDS[number % len(SEEDS)])
        for place in random.integers(0, len(content), random.integers(1, 12)).tolist():
            content[place] = int(random.integers(0, 256))
        if number % 5 == 0:
            del content[int(random.integers(1, len(content))) :]
        try:
            assert open_image(bytes(content), max_pixels=1_000_000).mode in ("L", "RGB")
        except ImageError as error:
            assert str(error).startswith("The picture")
            refused += 1
    assert 100 < refused < 450


def test_nothing_of_pillow_or_of_the_warnings_is_changed_for_others() -> None:
    before = (Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    open_image(_encoded(PICTURE))
    with pytest.raises(ImageError):
        open_image(BOMBS["just too large"])
    assert before == (Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
