"""Way 9: the one paragraph to remember, and flash cards."""

from __future__ import annotations

from dataclasses import dataclass

from limner.report.markup import Html, tag
from limner.report.parts import shape
from limner.studio.learn.framing import chapter
from limner.studio.learn.running import manifest_of, numbers
from limner.studio.shown import Shown
from limner.types import EMBEDDING_LENGTH

__all__ = ["Card", "cards", "recall"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A flash card: a question in front, its answer behind."""

    front: str
    back: str


def cards(tensor: str) -> tuple[Card, ...]:
    """All cards.

    Args:
        tensor: the image tensor's shape, as "256x256x3".
    """
    return (
        Card(
            front="The four stages, in order?",
            back="Input text prompt, text encoding, image generation, image decoding.",
        ),
        Card(front="What is the text turned into?", back=f"One vector of {EMBEDDING_LENGTH} numbers."),
        Card(front="What is the image before it is a file?", back=f"A tensor of {tensor}."),
        Card(front="What is diffusion?", back="Drawing by taking noise away, step by step."),
        Card(
            front="What does the denoiser answer?",
            back="What the clean picture would be, given the noisy one, the time t and the prompt.",
        ),
        Card(front="What is at t = 1, and at t = 0?", back="Only noise at 1. The clean picture at 0."),
        Card(
            front="What is a seed?", back="The number that the noise is made from. Same seed, same picture."
        ),
        Card(
            front="What is guidance?",
            back="How far the answer with the prompt is pushed away from the answer without one.",
        ),
        Card(
            front="What is attention good for here?",
            back="It lets each part of the picture look at the words.",
        ),
        Card(front="What do loss and accuracy do in training?", back="Loss goes down, accuracy goes up."),
        Card(
            front="Training or prediction: which changes the weights?",
            back="Only training. Drawing a picture changes no weight.",
        ),
        Card(
            front="What changes in a program that called DALL·E?",
            back="One line: the base URL.",
        ),
    )


def recall(shown: Shown | None) -> Html:
    """What is to stay, and cards to see whether it did."""
    width, height = manifest_of(shown).picture_size
    run = numbers(shown)
    tensor = run["shape"] if run else shape((height, width, 3))
    return chapter(
        9,
        tag("blockquote", _insight(tensor), class_="insight"),
        tag("p", _in_this_run(run)) if run else Html(),
        tag("h3", "Flash cards"),
        tag("p", "Say the answer to yourself, then open the card."),
        tag("ul", *(_card(card) for card in cards(tensor)), class_="cards"),
    )


def _insight(tensor: str) -> str:
    return (
        "A picture can be made by undoing noise. The words become one point in a space of meanings, a vector of "
        f"{EMBEDDING_LENGTH} numbers. The network was taught one thing only: to look at a noisy picture and those "
        "words, and say what the clean picture would be. Ask it again and again, each time with a little less "
        f"noise, and out of nothing but noise comes a picture, {tensor}, that never existed before."
    )


def _in_this_run(run: dict[str, str]) -> str:
    told = (
        "On screen: {tokens} tokens, {vector} numbers, {steps} looks at the noise of seed {seed}, and a {format} "
        "file of {bytes} bytes."
    )
    return told.format_map(run)


def _card(card: Card) -> Html:
    return tag("li", tag("details", tag("summary", card.front), tag("p", card.back)))
