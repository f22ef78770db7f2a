"""Way 3: the three layers of the prediction; the steps as a film, and which word drew where."""

from __future__ import annotations

from limner.imaging.picture import Picture
from limner.report.drawings import small
from limner.report.generation import image_generation
from limner.report.markup import Html, tag
from limner.report.parts import facts, seconds, shape, stage
from limner.studio.learn.framing import chapter, nothing_drawn
from limner.studio.learn.running import numbers, trace_of
from limner.studio.shown import Shown
from limner.types import Trace

__all__ = ["prediction_trace"]


def prediction_trace(shown: Shown | None) -> Html:
    """What each layer took in, did and put out."""
    trace = trace_of(shown)
    if shown is None or trace is None:
        return chapter(3, nothing_drawn())
    return chapter(
        3,
        tag(
            "p",
            "Prediction is what the model does when it draws for you: no weight changes any more. It has three "
            "layers. Most of the time goes into the middle one, where you can watch the picture come out of noise.",
        ),
        _text_encoding(trace, numbers(shown)),
        image_generation(trace),
        _image_decoding(shown.picture, trace),
    )


def _text_encoding(trace: Trace, run: dict[str, str]) -> Html:
    layer = trace.text_encoding
    return stage(
        2,
        "Text Encoding",
        ("1 text string", f"1 vector of length {run['vector']}"),
        tag(
            "p",
            "It looked up each token, let the tokens look at each other, and gathered what they mean together "
            "into one vector. Sentences that mean alike get vectors that point alike.",
        ),
        facts(
            {
                "Tokens": f"{len(layer['tokens'])}",
                "First numbers": run["first"],
                "Last numbers": run["last"],
                "Time": seconds(layer["seconds"]),
            }
        ),
        layer=1,
    )


def _image_decoding(picture: Picture, trace: Trace) -> Html:
    layer = trace.image_decoding
    height, width, _ = layer["shape"]
    return stage(
        4,
        "Image Decoding",
        (f"1 image tensor {shape(trace.image_generation['shape'])}", f"1 {layer['format'].upper()} file"),
        tag("p", f"It brought the tensor to {width}x{height} pixels and wrote them down in fewer bytes."),
        tag("img", src=small(picture.pixels_HWC), alt="The finished picture.", class_="finished"),
        facts(
            {
                "Bytes": f"{layer['bytes']:,}",
                "Bytes without compression": f"{height * width * 3:,}",
                "Time": seconds(layer["seconds"]),
            }
        ),
        layer=3,
    )
