"""`limner.server.drawing.oddities`: the files that OpenAI refuses though they are pictures."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from limner.server.drawing.oddities import is_odd
from tests.server.helpers import png


def saved(mode: str, file_format: str, **options: object) -> bytes:
    """A small file of this mode and format."""
    buffer = BytesIO()
    Image.new(mode, (9, 7)).save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        saved("P", "PNG"),
        saved("CMYK", "JPEG"),
        saved("RGB", "MPO", save_all=True, append_images=[Image.new("RGB", (9, 7))]),
        saved("P", "GIF"),
    ],
    ids=["palette", "cmyk", "mpo", "gif"],
)
def test_odd_files_are_known(data: bytes) -> None:
    """By their headers alone."""
    assert is_odd(data)


@pytest.mark.parametrize(
    "data",
    [
        png(),
        saved("RGB", "JPEG"),
        saved("L", "JPEG"),
        saved("RGB", "JPEG", progressive=True),
        saved("RGB", "WEBP"),
    ],
)
def test_common_files_are_not(data: bytes) -> None:
    """PNG, JPEG and WebP of usual colours."""
    assert not is_odd(data)


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00", b"\xff\xd8\xff"])
def test_stumps_do_no_harm(data: bytes) -> None:
    """What ends too early is for the decoder to refuse."""
    assert not is_odd(data)


def test_every_prefix_of_a_jpeg_comes_to_an_end() -> None:
    """No cut makes the walk go in circles."""
    data = saved("RGB", "JPEG")
    assert not any(is_odd(data[:length]) for length in range(len(data)))
