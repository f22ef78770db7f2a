"""The page as a whole: the picture and its settings, the stages in brief, the time, the four stages."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from limner import __version__
from limner.errors import InvalidRequestError
from limner.imaging.picture import Picture
from limner.report.decoding import image_decoding
from limner.report.drawings import small
from limner.report.encoding import input_prompt, text_encoding
from limner.report.generation import image_generation
from limner.report.markup import Html, joined, tag
from limner.report.parts import facts, seconds, shape, shortened
from limner.types import Trace

__all__ = ["report"]

_TITLE = 100
_LAYERS = ("Text Encoding", "Image Generation", "Image Decoding")


def report(picture: Picture, *, engine: str) -> str:
    """The pipeline trace and the prediction trace of one picture, as an HTML file.

    Everything is in the file, the pictures too; it asks nobody for anything, and needs no script.

    Args:
        picture: with its trace.
        engine: the name of the engine that drew it.

    Raises:
        InvalidRequestError: the picture has no trace.
    """
    trace = picture.trace
    if trace is None:
        raise InvalidRequestError("the picture has no trace: draw it with trace=True", param="trace")
    script = _own("film.js")
    body = tag(
        "body",
        tag("a", "To the four stages", href="#stages", class_="skip"),
        _header(picture, trace, engine),
        tag(
            "main",
            _brief(trace),
            _time(trace),
            input_prompt(trace),
            text_encoding(trace),
            image_generation(trace),
            image_decoding(picture, trace),
            id="stages",
        ),
        tag(
            "footer", tag("p", f"Made by limner {__version__}. Every number on this page is of this one run.")
        ),
        tag("script", script),
    )
    return f"<!doctype html>\n{tag('html', _head(picture.prompt, script), body, lang='en')}\n"


def _own(name: str) -> Html:
    """One of the files beside this one; style and script are not escaped in HTML."""
    return Html(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _head(prompt: str, script: Html) -> Html:
    # Should anything of the prompt ever become markup, the browser still runs and fetches nothing of it.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"limner: {shortened(prompt) or 'a variation'}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", _own("page.css")),
    )


def _header(picture: Picture, trace: Trace, engine: str) -> Html:
    layer, prompt = trace.image_generation, shortened(picture.prompt)
    image = tag("img", src=small(picture.pixels_HWC), alt=f"The picture that was drawn for: {prompt}")
    settings = facts(
        {
            "Seed": str(picture.seed),
            "Model": picture.model,
            "Engine": engine,
            "Sampler": layer["sampler"],
            "Steps": f"{len(layer['steps']):,}",
            "Guidance": f"{layer['guidance']:g}",
        }
    )
    words = tag(
        "div",
        tag("p", "How this picture came about", class_="count"),
        tag("h1", shortened(picture.prompt, _TITLE) or "A variation", dir="auto"),
        settings,
    )
    return tag("header", image, words, class_="hero")


def _brief(trace: Trace) -> Html:
    """The stages as links, each with what comes out of it."""
    brief = {
        "Input Text Prompt": "1 text string",
        _LAYERS[0]: f"1 vector of length {trace.text_encoding['shape'][0]}",
        _LAYERS[1]: f"1 tensor {shape(trace.image_generation['shape'])}",
        _LAYERS[2]: f"1 {trace.image_decoding['format'].upper()} file",
    }
    links = [
        tag("li", tag("a", tag("b", title), tag("span", made), href=f"#stage-{number}"))
        for number, (title, made) in enumerate(brief.items(), start=1)
    ]
    return tag("nav", tag("ol", *links), aria_label="The four stages")


def _time(trace: Trace) -> Html:
    """The layers' seconds as one bar, and as a table."""
    layers = (trace.text_encoding, trace.image_generation, trace.image_decoding)
    spent = {name: float(layer["seconds"]) for name, layer in zip(_LAYERS, layers, strict=True)}
    total = sum(spent.values())
    bar = tag(
        "div",
        *(tag("span", style=f"flex-grow:{value:.6f}") for value in spent.values()),
        class_="bar",
        aria_hidden="true",
    )
    rows = [
        tag(
            "tr",
            tag("th", tag("span", class_="swatch", aria_hidden="true"), name, scope="row"),
            tag("td", seconds(value)),
            tag("td", f"{value / total:.1%}" if total else "0.0%"),
        )
        for name, value in spent.items()
    ]
    heads = tag("tr", *(tag("th", title, scope="col") for title in ("Layer", "Time", "Share")))
    table = tag("table", tag("thead", heads), tag("tbody", *rows))
    head = tag("header", tag("p", "Time", class_="count"), tag("h2", seconds(total), id="title-time"))
    return tag(
        "section",
        head,
        tag("div", joined([bar, table]), class_="body"),
        aria_labelledby="title-time",
        class_="time",
    )
