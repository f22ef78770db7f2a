"""Pictures as files: the format, the compression, the style, and the note on where they come from.

Everything here takes time and belongs on a worker thread, never on the event loop's or the device's.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from limner.imaging.codec import FileOptions, encode
from limner.imaging.picture import Picture
from limner.imaging.resize import fit
from limner.safety.provenance import with_provenance
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.types import Pixels

__all__ = ["encode_picture", "encode_preview", "muted"]

_NATURAL = 0.75
# At a time: on the way, a pixel takes eighteen times the memory that it has in the picture.
_ROWS = 64
_LUMA_C = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709-6, item 3.2


def encode_picture(picture: Picture, call: Call) -> bytes:
    """The finished picture as the call wants its file, with prompt, seed, model and provenance inside.

    Raises:
        OutputError: the format cannot hold the picture.
    """
    styled = replace(picture, pixels_HWC=_styled(picture.pixels_HWC, call))
    data = styled.to_bytes(call.output_format, **_options(call))
    return with_provenance(data, edited=call.route == Route.EDITS)


def encode_preview(pixels_HWC: Pixels, call: Call, size: tuple[int, int]) -> bytes:
    """A preview as a file of the same format and size as the finished picture."""
    return encode(_styled(fit(pixels_HWC[..., :3], size), call), call.output_format, **_options(call))


def _options(call: Call) -> FileOptions:
    return {} if call.output_format == "png" else {"quality": max(1, call.output_compression)}


def _styled(pixels_HWC: Pixels, call: Call) -> Pixels:
    return muted(pixels_HWC) if call.style == "natural" else pixels_HWC


def muted(pixels_HWC: Pixels) -> Pixels:
    """The same picture with its colours a quarter nearer to grey of the same brightness; alpha stays."""
    muted_HWC = pixels_HWC.copy()
    for start in range(0, len(muted_HWC), _ROWS):
        rows_HW3 = muted_HWC[start : start + _ROWS, :, :3]
        rows_HW3[...] = _nearer_to_grey(rows_HW3)
    return muted_HWC


def _nearer_to_grey(pixels_HW3: Pixels) -> Pixels:
    colour_HW3 = pixels_HW3.astype(np.float32)
    grey_HW1 = (colour_HW3 @ _LUMA_C)[..., None]
    mixed_HW3 = grey_HW1 + np.float32(_NATURAL) * (colour_HW3 - grey_HW1)
    return np.rint(mixed_HW3).clip(0, 255).astype(np.uint8)
