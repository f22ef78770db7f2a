"""`limner.server.drawing.encoding`: the file that the call asks for, with its origin inside."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from limner.imaging.codec import EXTENSIONS
from limner.imaging.metadata import read_metadata
from limner.imaging.picture import Picture
from limner.imaging.reader import read_pixels
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.drawing.encoding import encode_picture, encode_preview, muted
from tests.server.helpers import json_body, judge, noise

PICTURE = Picture(pixels_HWC=noise(), seed=7, prompt="a cat", model="m")


def call(**values: Any) -> Call:
    """A call of a newer name."""
    found = judge(Route.GENERATIONS, json_body(prompt="a cat", model="gpt-image-2", **values), strict=False)
    assert isinstance(found, Call)
    return found


@pytest.mark.parametrize(
    ("file_format", "begins"), [("png", b"\x89PNG"), ("jpeg", b"\xff\xd8"), ("webp", b"RIFF")]
)
def test_each_format_is_written_with_its_origin(file_format: str, begins: bytes) -> None:
    """Prompt and seed as limner writes them, and the note that other programs read."""
    data = encode_picture(PICTURE, call(output_format=file_format))
    assert data.startswith(begins)
    assert read_metadata(data) == {"prompt": "a cat", "seed": 7, "model": "m"}
    assert b"trainedAlgorithmicMedia" in data
    assert file_format in EXTENSIONS


def test_png_keeps_every_pixel() -> None:
    """What was drawn is what is read."""
    assert (read_pixels(encode_picture(PICTURE, call())) == PICTURE.pixels_HWC).all()


def test_compression_makes_files_smaller() -> None:
    """100 is the best picture; 0 is the smallest file that there is, not an error."""
    sizes = [
        len(encode_picture(PICTURE, call(output_format="jpeg", output_compression=quality)))
        for quality in (100, 50, 0)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_natural_takes_colour_and_leaves_brightness() -> None:
    """A quarter of the distance to grey; grey, black and white stay; so does alpha."""
    red_HWC = np.zeros((1, 1, 4), np.uint8)
    red_HWC[0, 0] = (200, 0, 0, 9)
    assert muted(red_HWC)[0, 0].tolist() == [161, 11, 11, 9]
    grey_HWC = np.full((2, 2, 3), 77, np.uint8)
    assert (muted(grey_HWC) == 77).all()
    natural = read_pixels(encode_picture(PICTURE, call(style="natural")))
    assert (natural == muted(PICTURE.pixels_HWC)).all()


def test_natural_takes_no_more_memory_than_the_picture() -> None:
    """One copy and a little, and every row of it is the same as alone."""
    pixels_HWC = noise(1000, 500)
    tracemalloc.start()
    muted_HWC = muted(pixels_HWC)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * pixels_HWC.nbytes
    assert (muted_HWC == np.concatenate([muted(row_HWC[None]) for row_HWC in pixels_HWC])).all()


def test_a_preview_looks_like_the_picture() -> None:
    """The same format and size, whatever size it comes in."""
    data = encode_preview(noise(8, 8), call(output_format="webp"), (48, 32))
    assert data.startswith(b"RIFF")
    assert read_pixels(data).shape == (32, 48, 3)
