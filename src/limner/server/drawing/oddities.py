"""Files that are pictures, and that OpenAI refuses all the same: strict mode does so, too.

They are known by their headers: PNG with a palette, JPEG with four colours (CMYK), and MPO, the JPEG with several
pictures that some phones write.
"""

from __future__ import annotations

__all__ = ["is_odd"]

_PNG_COLOUR = 25  # where a PNG's colour type stands: PNG specification, 11.2.2
_PALETTE = 3
_CMYK = 4


def is_odd(data: bytes) -> bool:
    """Whether this is one of those files, or a GIF."""
    if data.startswith(b"\x89PNG") and len(data) > _PNG_COLOUR:
        return data[_PNG_COLOUR] == _PALETTE
    if data.startswith(b"\xff\xd8"):
        return _is_odd_jpeg(data)
    return data.startswith(b"GIF8")


def _is_odd_jpeg(data: bytes) -> bool:
    """Walks the segments up to the frame header (ITU-T T.81, B.2.2), which tells the number of colours."""
    place = 2
    while place + 9 < len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xE2 and data[place + 4 : place + 8] == b"MPF\0":
            return True
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return data[place + 9] == _CMYK
        place += 2 + max(length, 2)
    return False
