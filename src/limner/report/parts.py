"""What every stage is told with: numbers in words, facts, figures, and the frame around a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from limner.report.markup import Html, joined, tag

__all__ = ["facts", "more", "quoted", "seconds", "shape", "shortened", "stage"]

_SHORT = 160
_LONG = 20


def seconds(value: float) -> str:
    """1.5 -> "1.50 s", 0.0123 -> "12.3 ms"."""
    return f"{value:,.2f} s" if value >= 1 else f"{1000 * value:.3g} ms"


def shape(sizes: Sequence[int]) -> str:
    """[256, 256, 3] -> "256x256x3"."""
    return "x".join(map(str, sizes))


def shortened(text: str, most: int = _SHORT) -> str:
    """The text, or its beginning and an ellipsis where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def quoted(text: str) -> Html:
    """A person's words within a sentence of ours; whichever way they run, they turn nothing around them."""
    return tag("bdi", f"“{shortened(text)}”")


def facts(values: Mapping[str, str]) -> Html:
    """Names and values, as a description list; a long value has a row to itself."""
    pairs = (
        tag("div", tag("dt", name), tag("dd", value), class_="long" if len(value) > _LONG else None)
        for name, value in values.items()
    )
    return tag("dl", *pairs, class_="facts")


def more(summary: str, *content: str) -> Html:
    """What is there for whoever opens it."""
    return tag("details", tag("summary", summary), *content)


def stage(number: int, title: str, ends: tuple[str, str], *content: str, layer: int | None = None) -> Html:
    """The frame of one stage.

    Args:
        number: 1 to 4.
        title: the stage's name.
        ends: what goes in and what comes out.
        content: all else, in order.
        layer: which layer of the prediction it is, if it is one.
    """
    counted = f"Stage {number}" + (f" · Layer {layer}" if layer else "")
    given, made = ends
    way = tag(
        "p",
        *(tag("span", tag("b", name), " ", end) for name, end in (("in", given), ("out", made))),
        class_="way",
    )
    head = tag("header", tag("p", counted, class_="count"), tag("h2", title, id=f"title-{number}"), way)
    return tag(
        "section",
        head,
        tag("div", joined(content), class_="body"),
        id=f"stage-{number}",
        aria_labelledby=f"title-{number}",
    )
