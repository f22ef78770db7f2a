"""A picture file that somebody handed in -> clean pixels, or a clear refusal.

The bytes are not trusted. The format is told by the signature, the size is checked from the header before any
pixel memory is set aside, and whatever Pillow raises on damaged bytes becomes an `ImageInputError`.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from limner.errors import ImageInputError, LimnerError
from limner.types import Pixels

__all__ = ["MAX_INPUT_PIXELS", "opened", "read_pixels"]

MAX_INPUT_PIXELS = 50_000_000
"""The default limit: the largest photos of common cameras pass; they take 200 MB when decoded."""


def read_pixels(data: bytes, *, max_pixels: int = MAX_INPUT_PIXELS) -> Pixels:
    """Decode a PNG, JPEG, WebP or GIF file of any colour mode.

    EXIF orientation is applied; an animation gives its first frame; 16 bits are scaled to 8; palettes, grey,
    CMYK and 1-bit become RGB, or RGBA where the file has any transparency. Colour profiles are not applied.

    Args:
        data: the whole file.
        max_pixels: width x height that is still decoded.

    Returns:
        uint8 pixels_HWC, (H, W, 3) or (H, W, 4) with straight (not premultiplied) alpha.

    Raises:
        ImageInputError: not such a file, damaged, cut short, or too large.
    """
    with opened(data, max_pixels=max_pixels) as image:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return np.array(_eight_bit(image).convert("RGBA" if image.has_transparency_data else "RGB"))


@contextmanager
def opened(data: bytes, *, max_pixels: int = MAX_INPUT_PIXELS) -> Iterator[ImageFile]:
    """The file as a Pillow image whose size was checked and whose pixels were not yet decoded.

    Raises:
        ImageInputError: as `read_pixels`; any exception inside the `with` block becomes one, too.
    """
    # Pillow's plugins by name: Image.open judges sizes by a limit that is global to the process.
    plugin = _plugin_for(data)
    try:
        if plugin is WebPImageFile:
            # Its decoder sets memory aside for the whole canvas as soon as it is opened.
            _check_size(_webp_canvas(data), max_pixels)
        with plugin(BytesIO(data)) as image:
            _check_size(image.size, max_pixels)
            yield image
    except LimnerError:
        raise
    except Exception as error:  # on damaged bytes Pillow raises a dozen types, MemoryError among them
        raise ImageInputError(
            f"the picture is damaged or cut short ({error}): open and save it again, or send it again"
        ) from error


def _plugin_for(data: bytes) -> type[ImageFile]:
    if not data:
        raise ImageInputError("the picture has 0 bytes: send a PNG, JPEG, WebP or GIF file")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImageFile
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImageFile
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GifImageFile
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImageFile
    raise ImageInputError(
        f"a file that begins with {data[:8]!r} is none of PNG, JPEG, WebP, GIF: convert it first"
    )


def _webp_canvas(data: bytes) -> tuple[int, int]:
    """(width, height) in the file's header: WebP container specification; RFC 6386, 9.1 for VP8."""
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageInputError(
            f"the picture has {width:,} x {height:,} pixels: shrink it to at most {max_pixels:,} in all"
        )


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey, the one deep mode that Pillow keeps, rounded to 8; one value of it may be transparent."""
    if not image.mode.startswith("I"):
        return image
    deep_HW = np.asarray(image).astype(np.int64)
    grey_HW = ((deep_HW + 128) // 257).astype(np.uint8)
    alpha_HW = np.where(deep_HW == image.info.get("transparency", -1), 0, 255).astype(np.uint8)
    return Image.fromarray(np.stack([grey_HW, alpha_HW], axis=-1))
