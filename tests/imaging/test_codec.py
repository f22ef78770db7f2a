"""`limner.imaging.codec`: pixels to files, exactly or within a stated tolerance."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import ImageInputError, InvalidRequestError, OutputError
from limner.imaging import FileOptions, encode, read_pixels
from limner.types import FileFormat, Pixels
from tests.imaging.samples import pictures, smooth, steady


def worst(a_HWC: Pixels, b_HWC: Pixels) -> int:
    """The largest difference of two pictures of one size."""
    return int(np.abs(a_HWC.astype(int) - b_HWC).max())


@steady
@given(pictures())
def test_png_is_exact(pixels_HWC: Pixels) -> None:
    """Any picture, RGB or RGBA, comes back from PNG as it went in."""
    assert np.array_equal(read_pixels(encode(pixels_HWC, "png")), pixels_HWC)


@steady
@given(pictures())
def test_lossless_webp_is_exact(pixels_HWC: Pixels) -> None:
    """Any picture comes back from lossless WebP, hidden colours too; opaque alpha is dropped."""
    back_HWC = read_pixels(encode(pixels_HWC, "webp", lossless=True))
    assert np.array_equal(back_HWC, pixels_HWC[..., : back_HWC.shape[2]])
    assert (pixels_HWC[..., back_HWC.shape[2] :] == 255).all()


@steady
@given(st.integers(0, 255))
def test_a_flat_colour_survives_jpeg(value: int) -> None:
    """JPEG at the default quality keeps a flat grey within 1 of 255."""
    pixels_HWC = np.full((16, 16, 3), value, np.uint8)
    assert worst(read_pixels(encode(pixels_HWC, "jpeg")), pixels_HWC) <= 1


@pytest.mark.parametrize(("file_format", "tolerance"), [("jpeg", 12), ("webp", 30)])
def test_lossy_formats_stay_near(file_format: FileFormat, tolerance: int) -> None:
    """A smooth picture stays within the format's tolerance, and within 3 on average."""
    pixels_HWC = smooth()
    back_HWC = read_pixels(encode(pixels_HWC, file_format))
    assert worst(back_HWC, pixels_HWC) <= tolerance
    assert np.abs(back_HWC.astype(int) - pixels_HWC).mean() < 3


@pytest.mark.parametrize("file_format", ["jpeg", "webp"])
def test_quality_buys_bytes(file_format: FileFormat) -> None:
    """A higher quality gives a larger file that is closer to the original."""
    pixels_HWC = smooth()
    low, high = (encode(pixels_HWC, file_format, quality=quality) for quality in (1, 100))
    assert len(low) < len(high)
    assert worst(read_pixels(high), pixels_HWC) < worst(read_pixels(low), pixels_HWC)


def test_chroma_keeps_colour_edges() -> None:
    """With 4:4:4, the default, single red columns between blue ones survive; with 4:2:0 they blur."""
    pixels_HWC = np.zeros((16, 16, 3), np.uint8)
    pixels_HWC[:, ::2, 0] = 255
    pixels_HWC[:, 1::2, 2] = 255
    kept, halved = (read_pixels(encode(pixels_HWC, "jpeg", chroma=chroma)) for chroma in ("4:4:4", "4:2:0"))
    assert np.array_equal(kept, read_pixels(encode(pixels_HWC, "jpeg")))
    assert worst(kept, pixels_HWC) < 60
    assert worst(halved, pixels_HWC) > 100


def test_jpeg_lays_transparency_on_white() -> None:
    """In a JPEG, transparent black is white, half transparent black is grey, opaque black stays."""
    pixels_HWC = np.zeros((16, 48, 4), np.uint8)
    pixels_HWC[:, 16:32, 3] = 128
    pixels_HWC[:, 32:, 3] = 255
    back_HWC = read_pixels(encode(pixels_HWC, "jpeg", quality=100))
    for x, expected in ((8, 255), (24, 127), (40, 0)):
        assert np.abs(back_HWC[8, x].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("file_format", ["png", "jpeg", "webp"])
def test_files_are_deterministic(file_format: FileFormat) -> None:
    """The same picture in another memory layout gives the same bytes."""
    pixels_HWC = smooth(channels=4)
    assert encode(pixels_HWC, file_format) == encode(np.asfortranarray(pixels_HWC), file_format)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("bmp", {}, "format"),
    ("PNG", {}, "format"),
    ("png", {"quality": 80}, "quality"),
    ("png", {"lossless": True}, "lossless"),
    ("jpeg", {"lossless": False}, "lossless"),
    ("jpeg", {"quality": 0}, "quality"),
    ("jpeg", {"quality": 101}, "quality"),
    ("jpeg", {"quality": 80.5}, "quality"),
    ("jpeg", {"quality": True}, "quality"),
    ("jpeg", {"chroma": "4:2:2"}, "chroma"),
    ("webp", {"chroma": "4:2:0"}, "chroma"),
    ("webp", {"quality": 80, "lossless": True}, "quality"),
    ("webp", {"effort": 3}, "effort"),
]


@pytest.mark.parametrize(("file_format", "options", "param"), REFUSED)
def test_what_does_not_fit_is_refused(file_format: str, options: dict[str, Any], param: str) -> None:
    """A format or option that cannot be honoured is refused by name."""
    with pytest.raises(InvalidRequestError) as caught:
        encode(smooth(), cast("FileFormat", file_format), **cast("FileOptions", options))
    assert caught.value.param == param


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        [[[0, 0, 0]]],
    ],
)
def test_what_is_no_picture_is_refused(pixels: Any) -> None:
    """Anything but uint8 (H, W, 3|4) is refused."""
    with pytest.raises(ImageInputError, match="pixels must be"):
        encode(pixels)


def test_a_side_too_long_for_webp() -> None:
    """A picture longer than WebP allows gives an OutputError that says to use PNG."""
    with pytest.raises(OutputError, match=r"16,384 x 1 pixels cannot be written as WEBP .*: use PNG"):
        encode(np.zeros((1, 16_384, 3), np.uint8), "webp")
