"""`limner.imaging.picture`: a picture that writes itself, with its origin inside."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from limner.errors import ImageInputError, InvalidRequestError, OutputError
from limner.imaging import Picture, read_metadata, read_pixels
from limner.types import FileFormat
from tests.imaging.samples import smooth

PICTURE = Picture(pixels_HWC=smooth(), seed=7, prompt="a puppy 🐶", model="limner-s")


@pytest.mark.parametrize("file_format", ["png", "jpeg", "webp"])
def test_the_same_picture_gives_the_same_bytes(file_format: FileFormat) -> None:
    """Two equal pictures give equal files, however long they took and whatever trace they carry."""
    twin = dataclasses.replace(PICTURE, pixels_HWC=smooth(), timings={"encode": 1.0})
    assert twin.to_bytes(file_format) == PICTURE.to_bytes(file_format)


def test_the_default_is_an_exact_png() -> None:
    """Without arguments, the file is a PNG of exactly these pixels."""
    assert PICTURE.to_bytes().startswith(b"\x89PNG")
    assert np.array_equal(read_pixels(PICTURE.to_bytes()), PICTURE.pixels_HWC)


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("a.png", b"\x89PNG"),
        ("a.PNG", b"\x89PNG"),
        ("a.b.jpg", b"\xff\xd8\xff"),
        ("a.jpeg", b"\xff\xd8\xff"),
        ("a.webp", b"RIFF"),
    ],
)
def test_the_suffix_chooses_the_format(tmp_path: Path, name: str, signature: bytes) -> None:
    """The file's ending chooses the format, and the origin is inside."""
    PICTURE.save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    assert data.startswith(signature)
    assert read_metadata(data) == {"prompt": "a puppy 🐶", "seed": 7, "model": "limner-s"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_options_reach_the_file(tmp_path: Path) -> None:
    """`save` honours the same options as `to_bytes`."""
    PICTURE.save(tmp_path / "a.jpg", quality=20, chroma="4:2:0")
    assert (tmp_path / "a.jpg").read_bytes() == PICTURE.to_bytes("jpeg", quality=20, chroma="4:2:0")


@pytest.mark.parametrize("name", ["a.bmp", "a", ".png", "png", "a.png.txt"])
def test_unknown_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    """Another ending is refused as `output`, with the endings that are known, and nothing is written."""
    with pytest.raises(
        InvalidRequestError, match=r"must end in one of \.png, \.jpg, \.jpeg, \.webp"
    ) as caught:
        PICTURE.save(tmp_path / name)
    assert caught.value.param == "output"
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    """A folder that does not exist is an OutputError that names the file."""
    with pytest.raises(OutputError, match=r"a\.png was not written"):
        PICTURE.save(tmp_path / "missing" / "a.png")


def test_a_picture_needs_pixels() -> None:
    """Pixels of the wrong type or shape are refused when the picture is made, not when it is saved."""
    with pytest.raises(ImageInputError, match="pixels must be uint8"):
        Picture(pixels_HWC=np.zeros((4, 4), np.uint8), seed=0, prompt="", model="")


def test_types_and_errors_do_not_load_pillow() -> None:
    """The bottom of the import graph stays light: values and errors do not import Pillow."""
    code = "import sys, limner.types, limner.errors, limner.files; sys.exit('PIL' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
