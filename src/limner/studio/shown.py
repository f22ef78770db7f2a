"""What is on screen: one picture, and the settings that made it."""

from __future__ import annotations

from dataclasses import dataclass

from limner.imaging.picture import Picture

__all__ = ["Shown"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shown:
    """One picture and the settings that made it.

    Attributes:
        picture: it, with its trace where it was drawn in this session.
        prompt: the words.
        steps: denoising steps.
        guidance: how strictly the prompt was followed.
        seed: draws it again.
        size: (width, height) in pixels.
        negative_prompt: what was led away from, "" for nothing.
        style: "vivid", "natural", or "" where there was no choice.
    """

    picture: Picture
    prompt: str
    steps: int
    guidance: float
    seed: int
    size: tuple[int, int]
    negative_prompt: str = ""
    style: str = ""
