"""Small pictures that the imaging tests share.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

from limner.types import Pixels

__all__ = ["file_of", "pictures", "png_chunk", "png_of", "smooth", "steady"]

steady = settings(deadline=None, derandomize=True)
"""The same examples in every run, however slow the machine."""


def smooth(height: int = 48, width: int = 64, channels: int = 3) -> Pixels:
    """A picture of slow colour changes, as JPEG likes them; the corners all differ."""
    y_HW, x_HW = np.mgrid[0:height, 0:width]
    planes = [
        255 * x_HW / max(1, width - 1),
        255 * y_HW / max(1, height - 1),
        128 + 100 * np.sin(x_HW / 15),
        200 - x_HW,
    ]
    return np.stack(planes[:channels], axis=-1).clip(0, 255).astype(np.uint8)


@st.composite
def pictures(draw: st.DrawFn, max_side: int = 24) -> Pixels:
    """Any small picture, RGB or RGBA, of random pixels."""
    sides = st.integers(1, max_side)
    shape = (draw(sides), draw(sides), draw(st.sampled_from([3, 4])))
    return np.random.default_rng(draw(st.integers(0, 2**32))).integers(0, 256, shape, np.uint8)


def file_of(image: Image.Image, file_format: str, **settings: Any) -> bytes:
    """A file as another program would write it."""
    buffer = BytesIO()
    image.save(buffer, format=file_format, **settings)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG file made by hand, for headers and depths that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [
        png_chunk(b"IHDR", header),
        *chunks,
        png_chunk(b"IDAT", zlib.compress(rows)),
        png_chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
