"""Way 7: what the model listens to, and pairs of prompts to try."""

from __future__ import annotations

from dataclasses import dataclass

from limner.report.drawings import place
from limner.report.markup import Html, tag
from limner.report.parts import shortened
from limner.studio.learn.framing import chapter, scrolling
from limner.studio.learn.running import manifest_of, trace_of
from limner.studio.shown import Shown
from limner.types import Trace

__all__ = ["PAIRS", "Pair", "prompt_craft", "strongest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two prompts that differ in one thing.

    Attributes:
        about: in what.
        one, other: the prompts.
        look: what to compare in the two pictures.
    """

    about: str
    one: str
    other: str
    look: str


PAIRS = (
    Pair(
        about="Place",
        one="a dog in the park",
        other="a dog on the beach",
        look="The place covers most of a picture, so it is what changes most.",
    ),
    Pair(
        about="Light",
        one="a house on the farm",
        other="a house on the farm at night",
        look="Day, dawn, sunset, night, rain, fog and snow were in the lessons. Without a word, it is mostly day.",
    ),
    Pair(
        about="Colour",
        one="a car on a city street",
        other="a blue car on a city street",
        look="The colour should go to the car, and leave the street alone. Does it?",
    ),
    Pair(
        about="Number",
        one="a penguin in the snow",
        other="three penguins in the snow",
        look="Count them. It learned from one to five; more than five it never saw.",
    ),
    Pair(
        about="Order",
        one="a cat to the left of a tree",
        other="a tree to the left of a cat",
        look="The same words, another order. Who stands where?",
    ),
    Pair(
        about="Words for one thing",
        one="a puppy with a ball in the park",
        other="dog, ball, park",
        look="Sentences and bare keywords were both in the lessons.",
    ),
    Pair(
        about="What it cannot know",
        one="a lighthouse on the sea",
        other="a ship on the sea",
        look="There is no lighthouse in its lessons. Prefer things that it was shown.",
    ),
)


def prompt_craft(shown: Shown | None) -> Html:
    """Advice, the words of this run, the pairs."""
    window = manifest_of(shown).window
    return chapter(
        7,
        tag(
            "p",
            "The model listens to what its training captions spoke of: things, how many, their colour, where one "
            "stands to another, the place, and the light. Words that never changed a lesson's picture can change "
            "little now.",
        ),
        tag(
            "ul",
            tag("li", "Name the thing first, then the place, then the light."),
            tag("li", "Change one word at a time and keep the seed. Then the word made the difference."),
            tag("li", f"It reads {window} tokens at most, and tells you what it did not read."),
            tag("li", "Want less of something? Say it in the negative prompt, not with “no” in the prompt."),
            class_="hints",
        ),
        *_heard(trace_of(shown)),
        tag("h3", "Pairs to try, with one and the same seed"),
        scrolling(_pairs(), label="Pairs of prompts"),
    )


def strongest(trace: Trace) -> list[tuple[str, float, str]]:
    """Per word how much more than evenly it drew where it drew most, and where that is; strongest first."""
    peaks = [
        (word, float(map_hw.max()) * map_hw.size, place(map_hw)) for word, map_hw in trace.attention.items()
    ]
    return sorted(peaks, key=lambda peak: -peak[1])


def _heard(trace: Trace | None) -> list[Html]:
    if trace is None or not trace.attention:
        return []
    words = [
        tag("li", tag("b", shortened(word, 40), dir="auto"), f" {peak:.1f} times even, {where}")
        for word, peak, where in strongest(trace)
    ]
    told = (
        "How much more than evenly each word was looked at, in the part of the picture that looked at it most. "
        "Near 1 it was looked at everywhere alike."
    )
    return [
        tag("h3", "The words of the picture on screen"),
        tag("p", told),
        tag("ol", *words, class_="heard"),
    ]


def _to_the_lab(number: int, pair: Pair) -> Html:
    """A button; the page's script listens to it."""
    label = f"Try this pair: {pair.about}"
    return tag("button", "Try this pair", type="button", class_="copy", data_pair=number, aria_label=label)


def _pairs() -> Html:
    titles = ("What differs", "In the lab", "Draw this", "and this", "Look at")
    heads = [tag("th", title, scope="col") for title in titles]
    rows = [
        tag(
            "tr",
            tag("th", pair.about, scope="row"),
            tag("td", _to_the_lab(number, pair)),
            tag("td", tag("code", pair.one)),
            tag("td", tag("code", pair.other)),
            tag("td", pair.look, class_="words-cell"),
        )
        for number, pair in enumerate(PAIRS)
    ]
    return tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="pairs")
