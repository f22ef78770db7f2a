"""The nine ways into one run: what each is called, how long it takes and what it shows."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CHAPTERS", "Chapter"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """One way into the run.

    Attributes:
        title: its name.
        minutes: how long a first reading takes.
        about: what it shows, in a few words.
    """

    title: str
    minutes: int
    about: str


CHAPTERS = (
    Chapter(title="Overview", minutes=1, about="The four stages, with the numbers of this picture."),
    Chapter(title="Pipeline trace", minutes=2, about="Follow the data: string, vector, tensor, file."),
    Chapter(title="Prediction trace", minutes=2, about="Look inside the three layers, step by step."),
    Chapter(title="Training trace", minutes=1, about="How the model came to know what it knows."),
    Chapter(title="Why it works", minutes=2, about="Noise and guidance, to play with on 120 points."),
    Chapter(title="Code", minutes=1, about="The same picture from four programs."),
    Chapter(title="Prompt craft", minutes=1, about="What the model listens to, and pairs to try."),
    Chapter(title="Quiz", minutes=1, about="Three questions at a time."),
    Chapter(title="Key insight and recall", minutes=1, about="One paragraph to remember, and flash cards."),
)
