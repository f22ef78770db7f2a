"""`limner.imaging.reader`: any picture in, clean pixels out, and nothing hostile passes."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from limner.errors import ImageInputError
from limner.imaging import encode, read_pixels
from tests.imaging.samples import file_of, png_chunk, png_of, smooth, steady

RGB = Image.fromarray(smooth())
RGBA = Image.fromarray(smooth(channels=4))
FRAMES = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
FILES = {
    "png": file_of(RGBA, "PNG"),
    "jpeg": file_of(RGB, "JPEG"),
    "progressive": file_of(RGB, "JPEG", progressive=True),
    "webp": file_of(RGB, "WEBP"),
    "lossless": file_of(RGBA, "WEBP", lossless=True),
    "gif": file_of(RGB.quantize(16), "GIF"),
    "animation": file_of(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
}


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 3), ("L", 3), ("LA", 4), ("P", 4), ("RGB", 3), ("RGBA", 4)]
)
def test_every_png_mode(mode: str, channels: int) -> None:
    """A PNG of any mode gives what Pillow's own conversion of the original gives."""
    image = RGBA.convert(mode)
    expected = np.array(image.convert("RGBA" if channels == 4 else "RGB"))
    assert np.array_equal(read_pixels(file_of(image, "PNG")), expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_jpeg_mode(mode: str) -> None:
    """A grey, colour or CMYK JPEG gives RGB near the original."""
    image = RGB.convert(mode)
    pixels = read_pixels(file_of(image, "JPEG", quality=95, subsampling=0))
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels.astype(int) - np.array(image.convert("RGB"))).mean() < 3


def test_palette_with_transparency() -> None:
    """Each palette entry of a PNG keeps its own alpha."""
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    pixels = read_pixels(file_of(image, "PNG", transparency=bytes([255, 40])))
    assert pixels.tolist() == [[[255, 0, 0, 255], [0, 255, 0, 40]]]


def test_transparent_gif() -> None:
    """A GIF's transparent colour becomes alpha 0."""
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    assert read_pixels(file_of(image, "GIF", transparency=1))[0, :, 3].tolist() == [255, 0]


def test_sixteen_bit_grey() -> None:
    """16-bit grey is scaled to 8 bits, not clipped, and its transparent value becomes alpha 0."""
    rows = b"\0" + struct.pack(">HHHH", 0, 257 * 100, 65535, 1000)
    pixels = read_pixels(png_of(4, 1, 16, 0, rows))
    assert pixels.tolist() == [[[0, 0, 0], [100, 100, 100], [255, 255, 255], [4, 4, 4]]]
    pixels = read_pixels(png_of(4, 1, 16, 0, rows, png_chunk(b"tRNS", struct.pack(">H", 1000))))
    assert pixels[0, :, 3].tolist() == [255, 255, 255, 0]


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_sixteen_bit_colour(colour: int, channels: int) -> None:
    """16-bit colour and alpha keep their high byte."""
    rows = b"\0" + struct.pack(f">{channels}H", *[257 * 100] * channels)
    pixels = read_pixels(png_of(1, 1, 16, colour, rows))
    assert pixels.tolist() == [[[100] * (3 if channels == 3 else 4)]]


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(file_format: str) -> None:
    """Of an animation the first frame is read."""
    settings: dict[str, Any] = {"lossless": True} if file_format == "WEBP" else {}
    data = file_of(FRAMES[0], file_format, save_all=True, append_images=FRAMES[1:], duration=100, **settings)
    assert (read_pixels(data)[..., :3] == [255, 0, 0]).all()


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize(
    ("orientation", "corner"),
    [
        (1, (0, 0)),
        (2, (0, -1)),
        (3, (-1, -1)),
        (4, (-1, 0)),
        (5, (0, 0)),
        (6, (0, -1)),
        (7, (-1, -1)),
        (8, (-1, 0)),
    ],
)
def test_exif_orientation(file_format: str, orientation: int, corner: tuple[int, int]) -> None:
    """The stored top left corner lands where the EXIF orientation says, and 5 to 8 swap the sides."""
    image = Image.new("RGB", (32, 16), "black")
    image.paste("white", (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read_pixels(file_of(image, file_format, exif=exif))
    assert pixels.shape == ((16, 32, 3) if orientation < 5 else (32, 16, 3))
    assert pixels[corner].min() > 200
    assert (pixels > 128).mean() < 0.2


@pytest.mark.parametrize(
    "data", [b"hello, world", b"<svg/>", b"BM" + bytes(60), b"II*\0" + bytes(60), b"RIFF\0\0\0\0WAVEfmt "]
)
def test_what_is_no_picture(data: bytes) -> None:
    """Other files are refused by their first bytes, with the formats that are read."""
    with pytest.raises(ImageInputError, match="is none of PNG, JPEG, WebP, GIF: convert it first"):
        read_pixels(data)


def test_zero_bytes() -> None:
    """An empty upload says that it is empty."""
    with pytest.raises(ImageInputError, match="has 0 bytes"):
        read_pixels(b"")


@pytest.mark.parametrize("name", FILES)
def test_every_truncation(name: str) -> None:
    """Cut at any byte, a file gives ImageInputError or, if only its last words are lost, the full picture."""
    data, full = FILES[name], read_pixels(FILES[name])
    whole = 0
    for length in range(0, len(data), 1 + len(data) // 700):
        try:
            pixels = read_pixels(data[:length])
        except ImageInputError:
            continue
        whole += 1
        assert np.array_equal(pixels, full)
    assert whole < 700


@steady
@given(
    name=st.sampled_from(sorted(FILES)), position=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255)
)
def test_any_damage(name: str, position: float, value: int) -> None:
    """A file with one wrong byte gives ImageInputError or some uint8 picture, never another error."""
    data = bytearray(FILES[name])
    data[int(position * len(data))] = value
    try:
        pixels = read_pixels(bytes(data), max_pixels=100_000)
    except ImageInputError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] in (3, 4)


@steady
@given(
    st.binary(max_size=200),
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\1\0\0WEBP"]),
)
def test_garbage_behind_a_signature(garbage: bytes, signature: bytes) -> None:
    """Random bytes behind a genuine signature are refused."""
    with pytest.raises(ImageInputError):
        read_pixels(signature + garbage, max_pixels=100_000)


@pytest.mark.parametrize("name", FILES)
def test_the_limit_counts_pixels(name: str) -> None:
    """A picture of exactly the limit is read; one pixel less of it, and it is refused with both numbers."""
    height, width, _ = read_pixels(FILES[name]).shape
    read_pixels(FILES[name], max_pixels=width * height)
    with pytest.raises(ImageInputError, match=rf"has {width} x {height} pixels: shrink it to at most"):
        read_pixels(FILES[name], max_pixels=width * height - 1)


BOMBS = {
    "png": png_of(50_000, 50_000, 8, 2, b""),
    "png-absurd": png_of(2**31 - 1, 2**31 - 1, 8, 2, b""),
    "jpeg": b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01"
    b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00",
    "gif": b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;",
    "webp": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f" + bytes(12),
    "webp-lossy": b"RIFF\x1a\0\0\0WEBPVP8 \x0e\0\0\0\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(12),
    "webp-canvas": b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff" + bytes(12),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    """A few bytes that announce hundreds of millions of pixels or more are refused by their header."""
    with pytest.raises(ImageInputError, match="shrink it to at most 50,000,000 in all"):
        read_pixels(BOMBS[name])


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_a_picture_without_pixels(size: tuple[int, int]) -> None:
    """A header of zero width or height is refused."""
    with pytest.raises(ImageInputError, match="damaged"):
        read_pixels(png_of(*size, 8, 2, b""))


def test_pillow_is_left_as_it_was() -> None:
    """Reading changes none of Pillow's process-wide limits."""
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    read_pixels(encode(smooth(), "jpeg"), max_pixels=10**12)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
