"""Way 2: the data as it flows, stage by stage, with shapes, seconds and bytes."""

from __future__ import annotations

import math

from limner.imaging.codec import encode
from limner.imaging.picture import Picture
from limner.report.decoding import image_decoding
from limner.report.drawings import data_url
from limner.report.encoding import input_prompt, text_encoding
from limner.report.markup import Html, tag
from limner.report.parts import facts, seconds, shape, stage
from limner.studio.learn.framing import chapter, nothing_drawn, scrolling
from limner.studio.learn.running import trace_of, vector_bytes
from limner.studio.shown import Shown
from limner.types import Pixels, Trace

__all__ = ["flow", "pipeline_trace"]


def pipeline_trace(shown: Shown | None) -> Html:
    """The four stages in full."""
    trace = trace_of(shown)
    if shown is None or trace is None:
        return chapter(2, nothing_drawn())
    return chapter(
        2,
        tag(
            "p",
            "Data flows one way. Each row of the table takes in what the row above put out. Note how the size "
            "changes: a short string becomes a fixed number of numbers, and those a whole picture.",
        ),
        scrolling(_table(flow(trace)), label="The data of each stage"),
        input_prompt(trace),
        text_encoding(trace),
        _image_generation(shown.picture, trace),
        image_decoding(shown.picture, trace),
    )


def flow(trace: Trace) -> list[tuple[str, str, str, int]]:
    """Per stage: its name, what it put out, the seconds it took, and the bytes of what it put out."""
    text, image, file = trace.text_encoding, trace.image_generation, trace.image_decoding
    return [
        ("1 Input text prompt", "text string", "none", len(text["prompt"].encode())),
        (
            "2 Text encoding",
            f"vector {shape(text['shape'])}, 32-bit floats",
            seconds(text["seconds"]),
            vector_bytes(trace),
        ),
        (
            "3 Image generation",
            f"tensor {shape(image['shape'])}, 8-bit whole numbers",
            seconds(image["seconds"]),
            math.prod(image["shape"]),
        ),
        ("4 Image decoding", f"{file['format'].upper()} file", seconds(file["seconds"]), file["bytes"]),
    ]


def _table(rows: list[tuple[str, str, str, int]]) -> Html:
    heads = [tag("th", title, scope="col") for title in ("Stage", "Puts out", "Time", "Bytes")]
    lines = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            tag("td", out),
            tag("td", time),
            tag("td", f"{size:,}"),
        )
        for name, out, time, size in rows
    ]
    return tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *lines), class_="flow")


def _image_generation(picture: Picture, trace: Trace) -> Html:
    layer = trace.image_generation
    height, width = picture.pixels_HWC.shape[:2]
    corner = ", ".join(str(value) for value in picture.pixels_HWC[0, 0, :3])
    ends = [
        _preview(trace.previews[i], told) for i, told in ((0, "first"), (-1, "last")) if len(trace.previews)
    ]
    return stage(
        3,
        "Image Generation",
        ("the vector, and noise", f"1 image tensor {shape(layer['shape'])}"),
        tag(
            "p",
            "A tensor is a block of numbers: rows, columns, and three colours for each pixel. The seed makes the "
            "noise that it starts from. What the model took the picture to be at the first and the last step:",
        ),
        tag("div", *ends, class_="pair"),
        facts(
            {
                "Numbers": f"{math.prod(layer['shape']):,}",
                "Steps": f"{len(layer['steps']):,}",
                "Seed": str(layer["seed"]),
                f"Top left pixel of the {width}x{height} picture": f"red, green, blue: {corner}",
                "Time": seconds(layer["seconds"]),
            }
        ),
        layer=2,
    )


def _preview(preview_HWC: Pixels, told: str) -> Html:
    image = tag(
        "img",
        src=data_url(encode(preview_HWC), "png"),
        alt=f"The clean picture as the network saw it at the {told} step.",
        width=128,
        height=128,
    )
    return tag("figure", image, tag("figcaption", f"{told} step"))
