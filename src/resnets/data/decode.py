"""From an image file to upright grey or colour pixels of 8 bits, or a plain sentence why not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.Image import Transpose

from resnets.errors import ImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""What is read; everything else stays shut, since each decoder is a door. JPEG includes the MPO of phones."""
SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff")
)
"""How the names of such files end, in lower case."""
FOREIGN_SUFFIXES = frozenset(
    (".heic", ".heif", ".avif", ".jxl", ".jp2", ".psd", ".dng", ".cr2", ".nef", ".arw", ".svg")
)
"""Endings of pictures that are not read: they are reported, not passed over in silence."""
MAX_PIXELS = 89_478_485
"""Largest picture: 256 MB of colour pixels, as in Pillow. A file of a few kilobytes may claim to be far larger."""
ENOUGH = 1024
"""A JPEG is decoded at the smallest scale that leaves so many pixels a side: a large photo then takes half the time."""

ORIENTATION_TAG = 0x0112
UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What brings a picture of each EXIF orientation upright.      [EXIF 2.32, tag Orientation]"""


def open_image(source: Path | str | bytes, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture in a file, or in the bytes of one: upright, mode `L` or `RGB`, the first frame of an animation.

    Transparent parts become white; if nothing could then be seen, black. Numbers of more than 8 bits are scaled, not
    cut off.

    A large JPEG comes at a half, quarter or eighth of its size, both sides at least `ENOUGH`.

    Raises:
        ImageError: if it is missing, empty, damaged, of another format, or larger than `max_pixels`.
    """
    with quiet():
        return decode(source, max_pixels=max_pixels)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings; whatever is wrong with a picture is said in our own words.

    Python's warning filters belong to the whole process, so threads share one `quiet` around them all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode(source: Path | str | bytes, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """As `open_image`, for threads inside one `quiet`."""
    name = "The picture" if isinstance(source, bytes) else str(source)
    try:
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error.strerror or error}.") from error
    if not content:
        raise ImageError(f"{name} is empty.")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            if width * height <= max_pixels:
                image.draft(None, (ENOUGH, ENOUGH))
                image.load()
                return _upright(_flat(image), _orientation(image))
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture that can be read (formats: {', '.join(FORMATS)}).") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} is too large; at most {max_pixels:,} pixels are allowed.") from error
    except Exception as error:  # decoders meet damage with errors of every kind, from EOFError to ZeroDivisionError
        raise ImageError(f"{name} is damaged or of an unknown kind: {error or type(error).__name__}.") from error
    raise ImageError(f"{name} is too large: {width:,} x {height:,} pixels; at most {max_pixels:,} pixels are allowed.")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # damaged notes beside sound pixels: as if there were none
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def _flat(image: Image.Image) -> Image.Image:
    """Mode `L` or `RGB`."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _eight_bits(np.asarray(image))
    if image.has_transparency_data:
        return _opaque(image.convert("RGBA"))
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _eight_bits(levels: NDArray[Any]) -> Image.Image:
    """White is 1 for fractions, else the least of 255, 65535 and 2^32 - 1 that holds all numbers; 65535 for 16 bits."""
    numbers = np.nan_to_num(levels.astype(np.float64), posinf=0, neginf=0).clip(0)
    whites = {"f": (1, 255, 65535), "i": (255, 65535, 2**32 - 1), "u": (65535,)}[levels.dtype.kind]
    brightest = float(numbers.max())
    white = next((white for white in whites if brightest <= white), brightest)
    return Image.fromarray((numbers * (255 / white)).round().astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    """Over white; over black if the picture would be lost on white, as white ink is."""
    white, black = (
        Image.alpha_composite(Image.new("RGBA", image.size, background), image).convert("RGB")
        for background in ("white", "black")
    )
    return black if len(white.getcolors(2) or (1, 2)) == 1 else white
