"""`limner.server.drawing.inputs`: pictures and masks, fetched, decoded and judged together."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from PIL import Image
from starlette.datastructures import UploadFile

from limner.errors import NotFoundError
from limner.server.access.fetch import Fetcher
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.drawing.inputs import Inputs, Loader
from limner.server.errors import ApiError
from tests.server.helpers import data_url, form, json_body, judge, left_mask, noise, png, upload

IMAGE = "image_generation_user_error"


def load(call: Any, *, strict: bool = False, find: Any = None) -> Inputs:
    """The call's pictures."""
    assert isinstance(call, Call), call
    return anyio.run(Loader(Fetcher().fetch, find, strict=strict).load, call)


def edit(model: str, *files: tuple[str, UploadFile], strict: bool = False) -> Any:
    """An edit as a form."""
    return judge(Route.EDITS, form({"model": model, "prompt": "a"}, *files), strict=strict)


def refused(call: Any, *, strict: bool = False, find: Any = None) -> ApiError:
    """The error that loading must raise."""
    with pytest.raises(ApiError) as caught:
        load(call, strict=strict, find=find)
    return caught.value


def saved(mode: str, file_format: str, size: tuple[int, int] = (8, 8), **options: Any) -> bytes:
    """A small file of this mode and format."""
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, file_format, **options)
    return buffer.getvalue()


def test_a_picture_and_its_mask_are_read() -> None:
    """Alpha 0 is to be painted anew."""
    files = (("image", upload(png())), ("mask", upload(left_mask())))
    inputs = load(edit("gpt-image-2", *files))
    assert inputs.size == (64, 64)
    assert inputs.picture_HWC is not None
    assert (inputs.picture_HWC == noise()).all()
    assert inputs.mask_HW is not None
    assert inputs.mask_HW[:, :32].all()
    assert not inputs.mask_HW[:, 32:].any()


def test_bytes_say_what_a_file_is() -> None:
    """OpenAI's clients send octet-stream for what they read from memory; strict mode goes by the type."""
    kind = "application/octet-stream"
    assert load(edit("gpt-image-2", ("image", upload(png(), kind=kind)))).size == (64, 64)
    error = refused(edit("gpt-image-2", ("image", upload(png(), kind=kind))), strict=True)
    assert (error.code, error.param) == ("unsupported_file_mimetype", "image")
    assert str(error) == (
        "Invalid file 'image': unsupported mimetype ('application/octet-stream'). Supported file formats are "
        "'image/jpeg', 'image/png', and 'image/webp'."
    )


@pytest.mark.parametrize(
    "data",
    [
        saved("CMYK", "JPEG"),
        saved("P", "PNG"),
        saved("I;16", "PNG"),
        saved("P", "GIF"),
        saved("RGBA", "WEBP"),
    ],
)
def test_lenient_mode_reads_every_colour(data: bytes) -> None:
    """Whatever phones and old programs write."""
    assert load(edit("gpt-image-2", ("image", upload(data)))).size == (8, 8)


@pytest.mark.parametrize("data", [b"", b"x", png()[:-40], b"%PDF", saved("P", "PNG"), saved("CMYK", "JPEG")])
def test_what_openai_cannot_read_strict_mode_does_not(data: bytes) -> None:
    """One sentence for all; broken files are refused in lenient mode, too."""
    error = refused(edit("gpt-image-2", ("image", upload(data))), strict=True)
    assert (error.type, error.code) == (IMAGE, "invalid_image_file")
    assert str(error) == "Invalid image file or mode for image 1, please check your image file."


def test_orientation_is_applied_before_sizes_are_compared() -> None:
    """A photo taken upright has an upright mask."""
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = saved("RGB", "JPEG", (64, 32), exif=exif)
    inputs = load(edit("gpt-image-2", ("image", upload(photo)), ("mask", upload(left_mask(64, 32)))))
    assert inputs.size == (32, 64)


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        (left_mask(32, 64), "mask size does not match image size"),
        (png(), "mask image missing alpha channel"),
    ],
)
def test_a_mask_must_fit(mask: bytes, why: str) -> None:
    """Size and transparency."""
    error = refused(edit("gpt-image-2", ("image", upload(png())), ("mask", upload(mask))))
    assert (error.type, error.code) == (IMAGE, "invalid_mask_image_format")
    assert str(error) == f"Invalid mask image format - {why}"


def test_a_transparent_picture_is_its_own_mask_for_dalle_2() -> None:
    """Not for the newer names, and not where nothing is transparent."""
    own = load(edit("dall-e-2", ("image", upload(left_mask())))).mask_HW
    assert own is not None
    assert own.mean() == 0.5
    assert load(edit("gpt-image-2", ("image", upload(left_mask())))).mask_HW is None
    opaque = png(np.full((8, 8, 4), 255, np.uint8))
    assert load(edit("dall-e-2", ("image", upload(opaque)))).mask_HW is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (saved("RGB", "JPEG"), "Uploaded image must be a PNG and less than 4 MB."),
        (png() + bytes(4 * 1024 * 1024), "Uploaded image must be a PNG and less than 4 MB."),
        (png(noise(8, 16)), "Uploaded image must be square."),
        (png(), "Invalid input image - format must be in ['RGBA', 'LA', 'L'], got RGB."),
    ],
    ids=["jpeg", "large", "wide", "opaque"],
)
def test_dalle_2_was_stricter(data: bytes, told: str) -> None:
    """In strict mode only."""
    assert str(refused(edit("dall-e-2", ("image", upload(data))), strict=True)) == told
    assert load(edit("dall-e-2", ("image", upload(data)))).picture_HWC is not None


def test_data_urls_and_uploads_are_pictures_too(tmp_path: Path) -> None:
    """For the picture, and for the mask."""
    (tmp_path / "f").write_bytes(left_mask())
    body = json_body(
        model="gpt-image-2",
        prompt="a",
        images=[{"image_url": data_url(png())}],
        mask={"file_id": "file-1"},
    )
    inputs = load(judge(Route.EDITS, body, strict=True), find=lambda _: tmp_path / "f", strict=True)
    assert inputs.mask_HW is not None
    assert inputs.mask_HW.mean() == 0.5


def test_a_link_that_is_no_picture_has_its_own_words() -> None:
    """And the place where it stood."""
    body = json_body(model="gpt-image-2", prompt="a", images=[{"image_url": data_url(b"text")}])
    error = refused(judge(Route.EDITS, body, strict=False))
    assert (error.code, error.param) == ("invalid_image_file", "images[0].image_url")
    assert str(error) == "Invalid image data."


def test_an_unknown_upload_is_told() -> None:
    """Also one that belongs to somebody else."""

    def find(_: str) -> Path:
        raise NotFoundError("none")

    body = json_body(model="gpt-image-2", prompt="a", images=[{"file_id": "file-1"}])
    error = refused(judge(Route.EDITS, body, strict=False), find=find)
    assert (error.status, error.param) == (400, "images[0].file_id")
