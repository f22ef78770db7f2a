"""Stage 4: the file."""

from __future__ import annotations

from limner.imaging.picture import Picture
from limner.report.drawings import data_url
from limner.report.markup import Html, tag
from limner.report.parts import facts, seconds, shape, stage
from limner.types import Trace

__all__ = ["image_decoding"]


def image_decoding(picture: Picture, trace: Trace) -> Html:
    """Stage 4: the very file that the trace tells of, and its numbers."""
    layer = trace.image_decoding
    name, (height, width, _) = layer["format"].upper(), layer["shape"]
    image = tag(
        "img",
        src=data_url(picture.to_bytes(layer["format"]), layer["format"]),
        alt=f"The finished picture, a {name} file of {width}x{height} pixels.",
        width=width,
        height=height,
    )
    caption = "This is the file itself, to the byte. Prompt, seed and model are in it."
    return stage(
        4,
        "Image Decoding",
        (f"1 image tensor {shape(trace.image_generation['shape'])}", f"1 {name} file"),
        tag("figure", image, tag("figcaption", caption), class_="result"),
        facts(
            {
                "Format": name,
                "Pixels": f"{width}x{height}",
                "Enlarged by the upscaler": f"{layer['upscaled']} times" if layer["upscaled"] > 1 else "no",
                "Bytes": f"{layer['bytes']:,}",
                "Time": seconds(layer["seconds"]),
                "SHA-256": layer["sha256"],
            }
        ),
        layer=3,
    )
