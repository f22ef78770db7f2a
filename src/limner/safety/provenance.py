"""The note in a picture file that says it was made by a machine, where other programs look for it.

`imaging.metadata` already writes that limner drew the picture, from which prompt, with which model and seed.
What is missing there is the property that search engines, stock libraries and photo programs read: the IPTC's
*Digital Source Type* (IPTC Photo Metadata Standard 2023.1), in XMP. It is added to the finished file; no pixel
and no byte of what was there changes. Anybody can remove it: it informs, it proves nothing.
"""

from __future__ import annotations

import struct
import zlib

from limner.errors import OutputError

__all__ = ["EDITED", "GENERATED", "with_provenance"]

_TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = f"{_TERMS}trainedAlgorithmicMedia"
"""Drawn by a model."""
EDITED = f"{_TERMS}compositeWithTrainedAlgorithmicMedia"
"""Somebody's picture, of which a model repainted a part."""

# ISO 16684-1 (XMP part 1), 7; the XMP packet is fixed, so the same picture gives the same bytes.
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmp:CreatorTool="limner" Iptc4xmpExt:DigitalSourceType="{source}"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""

_PNG_HEAD = 33  # the signature and IHDR
_VP8X_HAS_XMP = 0x04


def with_provenance(data: bytes, *, edited: bool = False) -> bytes:
    """A picture file with its Digital Source Type.

    Args:
        data: a whole PNG, JPEG or WebP file as `Picture.to_bytes` makes it.
        edited: a part of the picture was somebody's, and is as it was.

    Raises:
        OutputError: it is no such file.
    """
    packet = _PACKET.format(source=EDITED if edited else GENERATED).encode()
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _in_png(data, packet)
    if data.startswith(b"\xff\xd8\xff"):
        return _in_jpeg(data, packet)
    # Only the extended form of WebP has room for XMP; it is the form of every file with metadata.
    if data[8:16] == b"WEBPVP8X":
        return _in_webp(data, packet)
    raise OutputError("provenance goes into PNG, JPEG and WebP files as Picture.to_bytes makes them only")


def _in_png(data: bytes, packet: bytes) -> bytes:
    """XMP part 3, 1.1.5: an iTXt chunk of this name, uncompressed, without language and translation."""
    body = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + packet
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:_PNG_HEAD] + chunk + data[_PNG_HEAD:]


def _in_jpeg(data: bytes, packet: bytes) -> bytes:
    """XMP part 3, 1.1.3: an APP1 segment of its own, after those of JFIF and EXIF, which must come first."""
    start = 2
    while data[start : start + 2] in (b"\xff\xe0", b"\xff\xe1"):
        start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    body = b"http://ns.adobe.com/xap/1.0/\0" + packet
    return data[:start] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[start:]


def _in_webp(data: bytes, packet: bytes) -> bytes:
    """WebP container specification, "Metadata": a chunk after all others, and a flag in the first one."""
    chunk = b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
    size = struct.pack("<I", len(data) + len(chunk) - 8)
    return data[:4] + size + data[8:20] + bytes([data[20] | _VP8X_HAS_XMP]) + data[21:] + chunk
