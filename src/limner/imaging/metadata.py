"""What a picture file tells of its origin: prompt, seed and model.

PNG holds them in iTXt chunks of these names. JPEG and WebP hold them in EXIF: the prompt as UserComment
(UTF-16), the rest as JSON in ImageDescription. In all three, Software is "limner", and only then are they
read back: other programs use the same names for other things.

EXIF in a JPEG ends at 64 KB. That is room for 32,000 characters of nearly all scripts, but emoji take twice
the room: what is over 64 KB in UTF-16 is cut off, and `prompt_cut` says so. PNG and WebP never cut.
"""

from __future__ import annotations

import json
from typing import Any, TypedDict

from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile, PngInfo

from limner.errors import InvalidRequestError
from limner.imaging.reader import opened

__all__ = ["Metadata", "exif_with", "png_info_with", "read_metadata"]

_SOFTWARE = "limner"
_UTF16_MARK = b"UNICODE\0"  # EXIF 2.3, table 9: the character code of a UserComment


class Metadata(TypedDict, total=False):
    """Origin of a picture; `prompt_cut` is there, and True, only if the prompt's end did not fit."""

    prompt: str
    seed: int
    model: str
    prompt_cut: bool


def read_metadata(data: bytes) -> Metadata:
    """What limner wrote into a picture file.

    Args:
        data: the whole PNG, JPEG or WebP file.

    Returns:
        Prompt, seed and model; empty if limner did not write the file or somebody removed them.

    Raises:
        ImageInputError: the bytes are no picture, or the metadata in them are damaged.
    """
    with opened(data) as image:
        return _from_png(image) if isinstance(image, PngImageFile) else _from_exif(image)


def _from_png(image: PngImageFile) -> Metadata:
    info = image.info
    if info.get("Software") != _SOFTWARE:
        return {}
    return {"prompt": str(info["prompt"]), "seed": int(info["seed"]), "model": str(info["model"])}


def _from_exif(image: ImageFile) -> Metadata:
    exif = image.getexif()
    if exif.get(ExifTags.Base.Software) != _SOFTWARE:
        return {}
    comment: bytes = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
    rest: dict[str, Any] = json.loads(exif[ExifTags.Base.ImageDescription])
    found: Metadata = {
        "prompt": comment.removeprefix(_UTF16_MARK).decode("utf-16-le"),
        "seed": int(rest["seed"]),
        "model": str(rest["model"]),
    }
    return found | {"prompt_cut": True} if rest.get("prompt_cut") else found


def png_info_with(metadata: Metadata) -> PngInfo:
    """The metadata as PNG text chunks.

    Raises:
        InvalidRequestError: a text holds a lone surrogate, which no file can hold.
    """
    _check_encodable(metadata)
    info = PngInfo()
    info.add_itxt("Software", _SOFTWARE)
    for name, value in metadata.items():
        info.add_itxt(name, str(value))
    return info


def exif_with(metadata: Metadata, *, max_bytes: int | None = None) -> bytes:
    """The metadata as an EXIF block.

    Args:
        metadata: what to tell.
        max_bytes: room for the block; a prompt that is too long for it is cut, and marked as cut.

    Raises:
        InvalidRequestError: a text holds a lone surrogate, which no file can hold.
    """
    _check_encodable(metadata)
    whole = _exif_block(metadata)
    if max_bytes is None or len(whole) <= max_bytes:
        return whole
    frame: Metadata = metadata | {"prompt": "", "prompt_cut": True}
    room = max(0, max_bytes - len(_exif_block(frame)) - 1)
    # Half a character at the cut, be it a byte or a surrogate, is ignored.
    kept = metadata["prompt"].encode("utf-16-le")[:room].decode("utf-16-le", errors="ignore")
    return _exif_block(frame | {"prompt": kept})


def _exif_block(metadata: Metadata) -> bytes:
    exif = Image.Exif()
    rest = {name: value for name, value in metadata.items() if name != "prompt"}
    exif[ExifTags.Base.Software] = _SOFTWARE
    exif[ExifTags.Base.ImageDescription] = json.dumps(rest)
    comment = _UTF16_MARK + metadata.get("prompt", "").encode("utf-16-le")
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return exif.tobytes()


def _check_encodable(metadata: Metadata) -> None:
    for name, value in metadata.items():
        try:
            str(value).encode()
        except UnicodeEncodeError as error:
            raise InvalidRequestError(
                f"{name} has a lone surrogate at position {error.start}: use valid Unicode text", param=name
            ) from error
