"""The pictures of an edit or a variation: fetched, decoded, and judged together.

The bytes say what a file is, not the name or type that came with it. Strict mode refuses what OpenAI refuses
besides; in lenient mode every PNG, JPEG, WebP and GIF is taken, whatever its colours and orientation.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from limner.errors import ImageInputError, NotFoundError
from limner.imaging.masks import mask_from_alpha
from limner.imaging.reader import read_pixels
from limner.server.contract.calls import Call, FileId, Link, Part, PictureSource
from limner.server.contract.field import Route
from limner.server.contract.models import Family
from limner.server.drawing.oddities import is_odd
from limner.server.errors import BAD_PICTURE, refuse
from limner.types import Pixels

__all__ = ["Fetch", "FindUpload", "Inputs", "Loader"]

Fetch = Callable[[str, str], bytes]
FindUpload = Callable[[str], Path]

_DALLE_BYTES = 4 * 1024 * 1024
_TYPES = ("image/jpeg", "image/png", "image/webp")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inputs:
    """What a call starts from.

    Attributes:
        picture_HWC: its picture, or None.
        mask_HW: True where that is to be drawn anew; None is everywhere.
    """

    picture_HWC: Pixels | None = None
    mask_HW: NDArray[np.bool_] | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """The picture's (width, height), if there is one."""
        return None if self.picture_HWC is None else (self.picture_HWC.shape[1], self.picture_HWC.shape[0])


class Loader:
    """Brings the pictures of a call.

    Args:
        fetch: gets what an `image_url` holds or leads to, or refuses to; see `fetch.Fetcher.fetch`.
        find_upload: the path of a file that this client uploaded; raises NotFoundError.
        strict: whether OpenAI's own restrictions hold.
    """

    def __init__(self, fetch: Fetch, find_upload: FindUpload, *, strict: bool) -> None:
        self._fetch = fetch
        self._find_upload = find_upload
        self._strict = strict

    async def load(self, call: Call) -> Inputs:
        """Read the call's picture and mask.

        Raises:
            ApiError: one cannot be had, is no picture, or the two do not fit.
        """
        if call.picture is None:
            return Inputs()
        data = await self._bytes(call.picture)
        picture_HWC = await self._decoded(call, call.picture, data)
        mask_HW = await self._mask(call, picture_HWC)
        return Inputs(picture_HWC=picture_HWC, mask_HW=mask_HW)

    async def _decoded(self, call: Call, source: PictureSource, data: bytes) -> Pixels:
        if self._strict:
            _refuse_what_openai_refuses(call, source, data)
        try:
            picture_HWC = await anyio.to_thread.run_sync(read_pixels, data)
        except ImageInputError:
            _not_a_picture(source)
        if self._strict and call.model.family == Family.D2:
            _check_dalle_shape(call, picture_HWC)
        return picture_HWC

    async def _mask(self, call: Call, picture_HWC: Pixels) -> NDArray[np.bool_] | None:
        if call.mask is None:
            return _own_mask(call, picture_HWC)
        data = await self._bytes(call.mask)
        try:
            mask_HWC = await anyio.to_thread.run_sync(read_pixels, data)
        except ImageInputError:
            _not_a_picture(call.mask)
        if mask_HWC.shape[:2] != picture_HWC.shape[:2]:
            _refuse_mask("mask size does not match image size")
        if mask_HWC.shape[2] != 4:
            _refuse_mask("mask image missing alpha channel")
        return mask_from_alpha(mask_HWC)

    async def _bytes(self, source: PictureSource) -> bytes:
        match source:
            case Part():
                return await source.file.read()
            case Link():
                return await anyio.to_thread.run_sync(self._fetch, source.url, source.param)
            case FileId():
                return await self._uploaded(source)

    async def _uploaded(self, source: FileId) -> bytes:
        try:
            path = await anyio.to_thread.run_sync(self._find_upload, source.id)
            return await anyio.Path(path).read_bytes()
        except (NotFoundError, FileNotFoundError):
            refuse(f"No such File object: {source.id}", "invalid_value", source.param)


def _own_mask(call: Call, picture_HWC: Pixels) -> NDArray[np.bool_] | None:
    """DALL·E 2's rule: without a mask, where the picture is transparent it is drawn anew."""
    if call.model.family != Family.D2 or call.route != Route.EDITS or picture_HWC.shape[2] != 4:
        return None
    mask_HW = mask_from_alpha(picture_HWC)
    return mask_HW if mask_HW.any() else None


def _not_a_picture(source: PictureSource) -> NoReturn:
    if isinstance(source, Link):
        refuse("Invalid image data.", "invalid_image_file", source.param, BAD_PICTURE)
    refuse(
        "Invalid image file or mode for image 1, please check your image file.",
        "invalid_image_file",
        source.param,
        BAD_PICTURE,
    )


def _refuse_mask(why: str) -> NoReturn:
    refuse(f"Invalid mask image format - {why}", "invalid_mask_image_format", "mask", BAD_PICTURE)


def _refuse_what_openai_refuses(call: Call, source: PictureSource, data: bytes) -> None:
    if call.model.family == Family.D2:
        if not data.startswith(b"\x89PNG") or len(data) >= _DALLE_BYTES:
            refuse("Uploaded image must be a PNG and less than 4 MB.", "invalid_image_format", None)
        return
    kind = source.file.content_type or "application/octet-stream" if isinstance(source, Part) else _TYPES[0]
    if kind not in _TYPES:
        refuse(
            f"Invalid file '{source.param}': unsupported mimetype ('{kind}'). Supported file formats are "
            "'image/jpeg', 'image/png', and 'image/webp'.",
            "unsupported_file_mimetype",
            source.param,
        )
    if is_odd(data):
        _not_a_picture(source)


def _check_dalle_shape(call: Call, picture_HWC: Pixels) -> None:
    height, width, channels = picture_HWC.shape
    if height != width:
        refuse("Uploaded image must be square.", "invalid_image_format", None)
    if channels != 4 and call.mask is None and call.route == Route.EDITS:
        refuse("Invalid input image - format must be in ['RGBA', 'LA', 'L'], got RGB.", None, None)
