"""`limner.safety.provenance`: the note is where others look for it, and nothing else changed."""

from __future__ import annotations

from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from limner.errors import OutputError
from limner.imaging import Picture, read_metadata, read_pixels
from limner.safety.provenance import EDITED, GENERATED, with_provenance
from limner.types import FileFormat
from tests.imaging.samples import file_of, smooth

every_format = pytest.mark.parametrize("file_format", ["png", "jpeg", "webp"])
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"


def drawn(file_format: FileFormat, channels: int = 3) -> bytes:
    """A file as limner writes it."""
    picture = Picture(pixels_HWC=smooth(channels=channels), seed=7, prompt="a dög", model="limner-2")
    return picture.to_bytes(file_format)


def description(data: bytes) -> dict[str, str]:
    """The XMP properties that another program finds."""
    with Image.open(BytesIO(data)) as image:
        image.load()
        packet = image.info["xmp"]
    text = packet.decode() if isinstance(packet, bytes) else packet
    [found] = ET.fromstring(text).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")  # noqa: S314  ours
    return dict(found.attrib)


@every_format
def test_others_find_the_digital_source_type(file_format: FileFormat) -> None:
    """The IPTC's term for a picture that a trained model made, and the program's name."""
    found = description(with_provenance(drawn(file_format)))
    assert found[f"{IPTC}DigitalSourceType"] == GENERATED
    assert GENERATED.endswith("/digitalsourcetype/trainedAlgorithmicMedia")
    assert found[f"{XMP}CreatorTool"] == "limner"


@every_format
def test_an_edited_picture_says_so(file_format: FileFormat) -> None:
    """A picture of which a part was repainted is a composite."""
    found = description(with_provenance(drawn(file_format), edited=True))
    assert found[f"{IPTC}DigitalSourceType"] == EDITED
    assert EDITED.endswith("/compositeWithTrainedAlgorithmicMedia")


@every_format
@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_and_metadata_stay(file_format: FileFormat, channels: int) -> None:
    """Every pixel, and prompt, seed and model, are as they were; the same file gives the same bytes."""
    before = drawn(file_format, channels)
    after = with_provenance(before)
    assert (read_pixels(after) == read_pixels(before)).all()
    assert read_metadata(after) == {"prompt": "a dög", "seed": 7, "model": "limner-2"}
    assert after == with_provenance(before)


def test_webp_stays_a_whole_riff_file() -> None:
    """The length in the header is that of the file, which is even."""
    after = with_provenance(drawn("webp"))
    assert int.from_bytes(after[4:8], "little") == len(after) - 8
    assert len(after) % 2 == 0


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8 "])
def test_other_files_are_refused(data: bytes) -> None:
    """What has no room for the note is an error, not a file without it."""
    with pytest.raises(OutputError, match="PNG, JPEG and WebP"):
        with_provenance(data)


def test_jpeg_keeps_its_first_segments_first() -> None:
    """JFIF and EXIF stay ahead of XMP, as their standards ask; a file without either works, too."""
    after = with_provenance(drawn("jpeg"))
    assert after.index(b"JFIF\0") < after.index(b"Exif\0") < after.index(b"http://ns.adobe.com/xap/1.0/\0")
    bare = file_of(Image.fromarray(smooth()), "JPEG")
    assert description(with_provenance(bare[:2] + bare[20:]))[f"{XMP}CreatorTool"] == "limner"
