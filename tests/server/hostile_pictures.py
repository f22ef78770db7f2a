"""Picture files that break decoders, and such as are right but seldom."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np
from PIL import Image

from tests.server.helpers import noise, png

__all__ = ["broken_pictures", "odd_pictures"]

SIDE = 16
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file (PNG specification, 5.3)."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width: int, height: int, data: bytes, *more: bytes, depth: int = 8, kind: int = 2) -> bytes:
    """A PNG file that says what it is told to."""
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", head) + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def saved(mode: str, file_format: str, side: int = SIDE, **options: Any) -> bytes:
    """A file that Pillow writes."""
    buffer = BytesIO()
    Image.fromarray(noise(side, side)).convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()


def bombs() -> Iterator[bytes]:
    """Small files that would fill memory or time."""
    zeros = zlib.compress(bytes(8_000_000), 9)
    scanlines = zlib.compress(bytes(16 * 49), 9)
    for side in (60_000, 2**31 - 1, 2**32 - 1):
        yield png_of(side, side, zlib.compress(bytes(10_000)))
    yield png_of(16, 16, zeros)
    yield png_of(0, 0, scanlines)
    yield png_of(0, 16, scanlines)
    for name in (b"zTXt", b"iCCP"):
        yield png_of(16, 16, scanlines, chunk(name, b"a\0\0" + zeros))
    yield png_of(16, 16, scanlines, chunk(b"iTXt", b"a\0\1\0\0\0" + zeros))
    yield png_of(16, 16, scanlines, *[chunk(b"tEXt", b"a\0" + bytes(1000))] * 500)
    yield (
        b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b",\0\0\0\0" + b"\xff" * 4 + b"\0\x08\0;"
    )
    yield b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6
    yield b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\xff\xff\xff\xff\0"
    yield saved("RGB", "JPEG").replace(struct.pack(">HH", SIDE, SIDE), b"\xff\xff\xff\xff", 1)


def polyglots() -> Iterator[bytes]:
    """Files that are something else as well, and what is no picture at all."""
    whole, jpeg, gif = png(noise(SIDE, SIDE)), saved("RGB", "JPEG"), saved("P", "GIF")
    archive = BytesIO()
    with ZipFile(archive, "w") as zipped:
        zipped.writestr("../a", b"a")
    for picture in (whole, jpeg, gif):
        yield from (
            picture + tail
            for tail in (
                archive.getvalue(),
                b"<?php phpinfo();",
                b"<script>alert(1)</script>",
                whole,
                bytes(100_000),
            )
        )
        yield from (
            head + picture
            for head in (
                b"\xff\xd8\xff",
                b"RIFF\0\0\0\0WEBP",
                b"GIF89a",
                SIGNATURE,
                b"%PDF-1.7\n",
                b"<svg>",
                b"MZ",
                b" ",
            )
        )
    yield from (
        b"GIF89a=1;alert(1)",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='a'/>",
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    )
    yield from (saved("RGB", name) for name in ("BMP", "TIFF", "PPM", "ICO", "TGA", "PCX"))
    yield from (
        b"8BPS\0\1" + bytes(100),
        b"%!PS-Adobe\n(a) run",
        b"#define a_width 1\n",
        b"II*\0\xff\xff\xff\xff",
        archive.getvalue(),
    )


def broken_pictures() -> list[bytes]:
    """Cut, bent, lying and huge files, down to none at all."""
    rng = random.Random(7)
    wholes = [
        png(noise(SIDE, SIDE)),
        saved("RGB", "JPEG"),
        saved("RGB", "WEBP"),
        saved("P", "GIF"),
        saved("P", "PNG"),
    ]
    cut = [whole[: rng.randrange(len(whole))] for whole in wholes for _ in range(8)]
    bent = [_bent(whole, rng) for whole in wholes for _ in range(12)]
    stumps = [
        b"",
        b"\0",
        SIGNATURE,
        SIGNATURE[:4],
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WEBPVP8 ",
    ]
    return [*stumps, *cut, *bent, *bombs(), *polyglots()]


def _bent(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        found[rng.randrange(3, len(found))] = rng.randrange(256)
    return bytes(found)


def odd_pictures() -> Iterator[bytes]:
    """Right, but not what most programs write: colours, depths, orientation, several pictures in one file."""
    yield from (saved(mode, "PNG") for mode in ("1", "L", "LA", "P", "RGBA"))
    yield from (saved(mode, "JPEG") for mode in ("L", "CMYK", "YCbCr"))
    yield saved("RGB", "JPEG", progressive=True)
    yield saved("P", "PNG", transparency=b"\0\x80")
    yield saved("L", "PNG", transparency=7)
    yield saved("RGB", "PNG", icc_profile=b"\xff" * 1000)
    more = [Image.fromarray(noise(SIDE, SIDE) // 2)] * 3
    for name in ("GIF", "WEBP", "PNG", "MPO"):
        yield saved("RGB", name, save_all=True, append_images=more)
    yield saved("RGB", "MPO", save_all=True, append_images=more)[:700]
    yield from _oriented()
    yield png_of(SIDE, SIDE, zlib.compress(np.zeros((SIDE, 1 + 6 * SIDE), np.uint8).tobytes()), depth=16)
    yield from (
        png_of(SIDE, SIDE, zlib.compress(bytes(9999)), depth=depth, kind=kind)
        for depth in (1, 3, 16)
        for kind in (0, 3, 5, 6)
    )


def _oriented() -> Iterator[bytes]:
    """Each orientation of EXIF, those that there are not, and EXIF that is none."""
    for orientation in range(11):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield from (saved("RGB", name, exif=exif.tobytes()) for name in ("JPEG", "PNG", "WEBP"))
    for rubbish in (
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*\0\x08\0\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\xff\xff\xff\xff",
        b"\xff" * 600,
    ):
        yield from (saved("RGB", name, exif=rubbish) for name in ("JPEG", "WEBP"))
        yield png_of(SIDE, SIDE, zlib.compress(bytes(SIDE * 49)), chunk(b"eXIf", rubbish))
