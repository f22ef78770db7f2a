"""Stages 1 and 2: the string, its tokens, and the vector."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from limner.report.drawings import STRIP_COLUMNS, strip
from limner.report.markup import Html, tag
from limner.report.parts import facts, more, quoted, seconds, stage
from limner.types import Swap, Trace

__all__ = ["input_prompt", "text_encoding"]

_ENDS = 4


def input_prompt(trace: Trace) -> Html:
    """Stage 1: the prompt, whole and as it was given."""
    prompt = trace.text_encoding["prompt"]
    return stage(
        1,
        "Input Text Prompt",
        ("a person's words", "1 text string, as given"),
        tag(
            "div",
            tag("blockquote", prompt or "(empty: the picture is a variation of another)", dir="auto"),
            class_="scroll",
            tabindex=0,
            role="group",
            aria_label="The prompt",
        ),
        facts({"Characters": f"{len(prompt):,}", "Bytes in UTF-8": f"{len(prompt.encode()):,}"}),
    )


def text_encoding(trace: Trace) -> Html:
    """Stage 2: the tokens with their words, and the vector's numbers."""
    layer = trace.text_encoding
    return stage(
        2,
        "Text Encoding",
        ("1 text string", f"1 vector of length {layer['shape'][0]}"),
        tag("h3", "Words and tokens"),
        tag("p", "The string is cut into tokens, pieces that the encoder knows. Each has a number, from 0."),
        _unread(layer),
        _swaps(layer),
        tag("ol", *_pieces(layer), class_="words"),
        tag("h3", "The vector"),
        *_vector(layer["vector"]),
        facts({"Tokens": f"{len(layer['tokens']):,}", "Time": seconds(layer["seconds"])}),
        layer=1,
    )


def _swaps(layer: Mapping[str, Any]) -> Html:
    """What became of the words that the model does not know or cannot draw together."""
    if not layer["swaps"]:
        return Html()
    told = [tag("li", str(Swap(**swap))) for swap in layer["swaps"]]
    return tag(
        "div",
        tag("p", "Words that the model was not taught, or that one picture cannot show:"),
        tag("ul", *told),
        class_="note",
    )


def _unread(layer: Mapping[str, Any]) -> Html:
    unread = layer["unread"]
    if not unread:
        return Html()
    counted = f"The last {len(unread):,} of {len(layer['prompt']):,} characters did not fit"
    return tag("p", f"{counted} into the encoder's window and were not read: ", quoted(unread), class_="note")


def _pieces(layer: Mapping[str, Any]) -> Iterator[Html]:
    """Each word with its tokens, and between them the tokens that belong to no word."""
    tokens, reached = layer["tokens"], 0
    for word in layer["words"]:
        if word["start"] == word["stop"]:
            continue
        yield from (_piece(None, tokens, i, i + 1) for i in range(reached, word["start"]))
        yield _piece(word["word"], tokens, word["start"], word["stop"])
        reached = word["stop"]
    yield from (_piece(None, tokens, i, i + 1) for i in range(reached, len(tokens)))


def _piece(word: str | None, tokens: list[str], start: int, stop: int) -> Html:
    named = tag("i", "marker") if word is None else tag("b", word, dir="auto")
    counted = f"token {start}" if stop - start == 1 else f"tokens {start} to {stop - 1}"
    return tag(
        "li",
        named,
        tag("span", *(tag("code", token, dir="auto") for token in tokens[start:stop]), class_="chips"),
        tag("small", counted),
        class_=None if word else "marker",
    )


def _vector(vector: list[float]) -> Iterator[Html]:
    length = math.sqrt(math.fsum(number * number for number in vector))
    picture = tag(
        "img",
        src=strip(np.array(vector, np.float32)),
        alt=f"{len(vector)} coloured cells, one for each number of the vector, from {min(vector):+.3f} "
        f"to {max(vector):+.3f}: {sum(number > 0 for number in vector)} above 0, "
        f"{sum(number < 0 for number in vector)} below.",
        width=STRIP_COLUMNS,
        height=-(-len(vector) // STRIP_COLUMNS),
        class_="strip",
    )
    caption = (
        f"All {len(vector)} numbers, in rows of {STRIP_COLUMNS}: orange is above 0, blue below, the stronger "
        f"the farther, up to {max(map(abs, vector)):.4f}."
    )
    yield tag("figure", picture, tag("figcaption", caption))
    yield facts(
        {
            "First": _numbers(vector[:_ENDS]),
            "Last": _numbers(vector[-_ENDS:]),
            "Euclidean length": f"{length:.6f}",
        }
    )
    yield more(f"All {len(vector)} numbers", tag("p", _numbers(vector), class_="numbers"))


def _numbers(values: list[float]) -> str:
    return "  ".join(f"{value:+.4f}" for value in values)
