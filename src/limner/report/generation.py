"""Stage 3: from noise to a tensor, step by step, and which word drew where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from limner.imaging.codec import encode
from limner.report.drawings import data_url, heat_map, map_size, place
from limner.report.markup import Html, tag
from limner.report.parts import facts, more, seconds, shape, shortened, stage
from limner.types import Floats, Pixels, Trace

__all__ = ["image_generation"]

_COLUMNS = {
    "t": "t",
    "t_next": "t after",
    "x_mean": "noisy: mean",
    "x_std": "noisy: deviation",
    "x0_mean": "clean: mean",
    "x0_std": "clean: deviation",
}


def image_generation(trace: Trace) -> Html:
    """Stage 3: the film of the steps, the words' maps, the tensor."""
    layer = trace.image_generation
    steps = len(layer["steps"])
    return stage(
        3,
        "Image Generation",
        ("the vector, and noise", f"1 image tensor {shape(layer['shape'])}"),
        *_film(trace),
        more("The numbers of every step", _table(layer["steps"])),
        *_maps(trace),
        tag("h3", "The tensor"),
        facts(
            {
                "Shape": shape(layer["shape"]),
                "Numbers": f"{math.prod(layer['shape']):,}",
                "Steps": f"{steps:,}",
                "Time": seconds(layer["seconds"]),
                "Time divided by steps": seconds(layer["seconds"] / max(1, steps)),
            }
        ),
        layer=2,
    )


def _film(trace: Trace) -> Iterator[Html]:
    steps, previews = trace.image_generation["steps"], trace.previews
    if not previews:
        return
    yield tag("h3", "From noise to a picture")
    yield tag(
        "p",
        "At every step the network says what it takes the clean picture to be, and a part of the noise goes. "
        "These are its answers. t is how much is noise: all of it at 1, none at 0.",
    )
    yield _player(len(previews))
    frames = [_frame(step, preview, len(steps)) for step, preview in zip(steps, previews, strict=True)]
    yield tag("ol", *frames, class_="film")


def _player(steps: int) -> Html:
    """One frame, large, and a slider; without its script it stays hidden, and the film has all there is."""
    slider = tag("input", type="range", id="step", min=1, max=steps, value=steps)
    label = tag("label", "Step ", tag("output", str(steps), for_="step", id="told"), for_="step")
    return tag("div", label, slider, id="player", hidden=True)


def _frame(step: Mapping[str, Any], preview: Pixels, steps: int) -> Html:
    number, t = step["step"] + 1, f"t {step['t']:.3f}"
    picture = tag(
        "img",
        src=data_url(encode(preview), "png"),
        alt=f"Step {number} of {steps}, {t}: the clean picture as the network sees it.",
        width=preview.shape[1],
        height=preview.shape[0],
    )
    return tag("li", tag("figure", picture, tag("figcaption", tag("b", str(number)), f" {t}")))


def _table(steps: list[Mapping[str, Any]]) -> Html:
    heads = [tag("th", title, scope="col") for title in ("step", *_COLUMNS.values())]
    rows = [
        tag(
            "tr",
            tag("th", str(step["step"] + 1), scope="row"),
            *(tag("td", f"{step[key]:.4f}") for key in _COLUMNS),
        )
        for step in steps
    ]
    caption = tag("caption", "What the network saw at each step, and what it took the clean picture to be.")
    table = tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    return tag(
        "div", table, class_="scroll", tabindex=0, role="group", aria_label="The numbers of every step"
    )


def _maps(trace: Trace) -> Iterator[Html]:
    if not trace.previews or not trace.attention:
        return
    yield tag("h3", "Which word drew where")
    yield tag(
        "p",
        "While it draws, the network attends to the words. Each map lies over the picture in grey: no colour "
        "in the cell that the word drew least, full colour where it drew most. The number says how much more "
        "that is than if the word had drawn everywhere alike.",
    )
    last = trace.previews[-1]
    yield tag("ul", *(_map(word, map_hw, last) for word, map_hw in trace.attention.items()), class_="maps")


def _map(word: str, map_hw: Floats, preview: Pixels) -> Html:
    peak = f"{float(map_hw.max()) * map_hw.size:.1f} times even"
    width, height = map_size(preview)
    picture = tag(
        "img",
        src=heat_map(preview, map_hw),
        alt=f"Where “{shortened(word, 40)}” drew: most at the {place(map_hw)}, {peak}.",
        width=width,
        height=height,
    )
    caption = tag(
        "figcaption", tag("b", shortened(word, 40), dir="auto"), tag("small", f"{peak}, {place(map_hw)}")
    )
    return tag("li", tag("figure", picture, caption))
