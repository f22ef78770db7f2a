"""Stage 4: pixels to PNG, JPEG and WebP files, and files that were handed in back to pixels."""

from __future__ import annotations

from limner.imaging.codec import Chroma, FileOptions, encode
from limner.imaging.masks import mask_from_alpha
from limner.imaging.metadata import Metadata, read_metadata
from limner.imaging.picture import Picture
from limner.imaging.reader import MAX_INPUT_PIXELS, read_pixels
from limner.imaging.resize import fit

__all__ = [
    "MAX_INPUT_PIXELS",
    "Chroma",
    "FileOptions",
    "Metadata",
    "Picture",
    "encode",
    "fit",
    "mask_from_alpha",
    "read_metadata",
    "read_pixels",
]
