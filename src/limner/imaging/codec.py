"""Stage 4, image decoding's last step: pixels -> the bytes of an image file.

The same pixels, options and metadata give the same bytes, for one version of Pillow and its codecs: nothing
of the clock or the machine goes in.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

from PIL import Image

from limner.errors import InvalidRequestError, OutputError
from limner.imaging._arrays import check_pixels, to_image
from limner.imaging.masks import on_white
from limner.imaging.metadata import Metadata, exif_with, png_info_with
from limner.types import FileFormat, Pixels

__all__ = ["EXTENSIONS", "Chroma", "FileOptions", "encode"]

Chroma: TypeAlias = Literal["4:4:4", "4:2:0"]

EXTENSIONS: Mapping[FileFormat, str] = MappingProxyType({"png": "png", "jpeg": "jpg", "webp": "webp"})
"""How the name of a file of each format ends."""

_DEFAULT_QUALITY = 90
# Of 9. zlib's usual 6 takes twice the time for a file at most a twentieth smaller (drawn scenes, 256 to 1024 pixels).
_PNG_LEVEL = 4
_MAX_JPEG_EXIF = 65_533  # a JPEG segment counts its own two length bytes: ITU-T T.81, B.1.1.4


class FileOptions(TypedDict, total=False):
    """How a file is compressed; an option that its format does not have is refused.

    Attributes:
        quality: JPEG and lossy WebP: 1 (smallest) to 100 (best); 90 unless given.
        chroma: JPEG: "4:4:4" (unless given) keeps colour at full resolution, "4:2:0" halves it both ways.
        lossless: WebP: keep every pixel exactly, transparent ones included; False unless given.
    """

    quality: int
    chroma: Chroma
    lossless: bool


_OPTIONS_OF: dict[str, frozenset[str]] = {
    "png": frozenset(),
    "jpeg": frozenset({"quality", "chroma"}),
    "webp": frozenset({"quality", "lossless"}),
}


def encode(
    pixels_HWC: Pixels,
    format: FileFormat = "png",  # noqa: A002  the word that the API and Pillow use
    *,
    metadata: Metadata | None = None,
    **options: Unpack[FileOptions],
) -> bytes:
    """Encode a picture as a PNG, JPEG or WebP file.

    JPEG knows no transparency: there an RGBA picture is laid on white.

    Args:
        pixels_HWC: uint8 (H, W, 3) or (H, W, 4) with straight alpha.
        format: "png", "jpeg" or "webp".
        metadata: prompt, seed and model to embed; see `limner.imaging.metadata` for where and how much.
        **options: see `FileOptions`.

    Returns:
        The whole file.

    Raises:
        InvalidRequestError: unknown format, or an option that it does not have or that is out of range.
        ImageInputError: the pixels are not a picture.
        OutputError: the format cannot hold this picture: WebP ends at 16,383 pixels a side.
    """
    _check_options(format, options)
    check_pixels(pixels_HWC)
    if format == "png":
        return _png(pixels_HWC, metadata)
    if format == "jpeg":
        return _jpeg(pixels_HWC, metadata, options)
    return _webp(pixels_HWC, metadata, options)


def _check_options(format: str, options: FileOptions) -> None:  # noqa: A002  as in encode
    if format not in _OPTIONS_OF:
        raise InvalidRequestError(
            f"format must be one of {', '.join(_OPTIONS_OF)}, not {format!r}", param="format"
        )
    for name in options:
        if name not in _OPTIONS_OF[format]:
            raise InvalidRequestError(f"{name} does not apply to {format}: leave it out", param=name)
    quality = options.get("quality", _DEFAULT_QUALITY)
    if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
        raise InvalidRequestError(f"quality must be from 1 to 100, not {quality!r}", param="quality")
    if options.get("chroma", "4:4:4") not in ("4:4:4", "4:2:0"):
        raise InvalidRequestError(f"chroma must be 4:4:4 or 4:2:0, not {options['chroma']!r}", param="chroma")
    if "quality" in options and options.get("lossless"):
        raise InvalidRequestError("quality does not apply to lossless webp: leave one out", param="quality")


def _png(pixels_HWC: Pixels, metadata: Metadata | None) -> bytes:
    info = png_info_with(metadata) if metadata else None
    return _saved(to_image(pixels_HWC), format="PNG", compress_level=_PNG_LEVEL, pnginfo=info)


def _jpeg(pixels_HWC: Pixels, metadata: Metadata | None, options: FileOptions) -> bytes:
    return _saved(
        to_image(on_white(pixels_HWC)),
        format="JPEG",
        quality=options.get("quality", _DEFAULT_QUALITY),
        subsampling=options.get("chroma", "4:4:4"),
        exif=exif_with(metadata, max_bytes=_MAX_JPEG_EXIF) if metadata else b"",
    )


def _webp(pixels_HWC: Pixels, metadata: Metadata | None, options: FileOptions) -> bytes:
    lossless = options.get("lossless", False)
    return _saved(
        to_image(pixels_HWC),
        format="WEBP",
        quality=options.get("quality", _DEFAULT_QUALITY),
        lossless=lossless,
        exact=lossless,  # or the colour under alpha 0 is lost
        exif=exif_with(metadata) if metadata else b"",
    )


def _saved(image: Image.Image, **settings: Any) -> bytes:
    buffer = BytesIO()
    try:
        image.save(buffer, **settings)
    except (OSError, ValueError) as error:
        size = f"{image.width:,} x {image.height:,}"
        raise OutputError(
            f"a picture of {size} pixels cannot be written as {settings['format']} ({error}): use PNG"
        ) from error
    return buffer.getvalue()
