"""Way 1: the four stages with this run's own data, and what the other ways show."""

from __future__ import annotations

from collections.abc import Mapping

from limner.report.drawings import small
from limner.report.markup import Html, tag
from limner.report.parts import shortened
from limner.studio.learn.chapters import CHAPTERS
from limner.studio.learn.framing import chapter, nothing_drawn, way_to
from limner.studio.learn.running import numbers
from limner.studio.shown import Shown
from limner.types import EMBEDDING_LENGTH

__all__ = ["overview"]


def overview(shown: Shown | None) -> Html:
    """The whole in one minute."""
    run = numbers(shown)
    picture = _picture(shown) if shown else Html()
    return chapter(
        1,
        tag(
            "p",
            "You write a sentence; a picture comes out. Between the two there are four stages, always in this "
            "order. What one puts out, the next takes in.",
        ),
        picture,
        tag("ol", *(_stage(n, *stage) for n, stage in enumerate(_stages(run), start=1)), class_="stages"),
        nothing_drawn() if not run else _spent(run),
        tag("h3", f"Nine ways into it, about {sum(of.minutes for of in CHAPTERS)} minutes in all"),
        tag("ol", *(_way(number) for number in range(1, len(CHAPTERS) + 1)), class_="ways"),
    )


def _picture(shown: Shown) -> Html:
    told = shortened(shown.prompt) or "(no words: a variation of another picture)"
    image = tag("img", src=small(shown.picture.pixels_HWC), alt=f"The picture on screen, drawn for: {told}")
    caption = tag("figcaption", f"Seed {shown.seed}. The prompt: ", tag("bdi", told))
    return tag("figure", image, caption, class_="on-screen")


def _stages(run: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Name, what it does, and what came out of it in this run."""
    return (
        (
            "Input text prompt",
            "A person's words are taken as they are.",
            "1 text string of {characters} characters".format_map(run) if run else "1 text string",
        ),
        (
            "Text encoding",
            "The words are cut into tokens, and these become one point in a space of meanings.",
            "{tokens} tokens, then 1 vector of length {vector}".format_map(run)
            if run
            else f"1 vector of length {EMBEDDING_LENGTH}",
        ),
        (
            "Image generation",
            "A diffusion model starts from noise and takes the noise away, led by the vector.",
            "{steps} steps, then 1 image tensor {shape}".format_map(run) if run else "1 image tensor",
        ),
        (
            "Image decoding",
            "The tensor's numbers are written as a file that any program can open.",
            "1 {format} file of {bytes} bytes".format_map(run) if run else "1 PNG, JPEG or WebP file",
        ),
    )


def _stage(number: int, title: str, does: str, out: str) -> Html:
    return tag(
        "li",
        tag("b", f"{number} {title}"),
        tag("span", does),
        tag("span", tag("small", "out "), tag("strong", out)),
    )


def _spent(run: Mapping[str, str]) -> Html:
    told = (
        "In this run the text took {text_seconds}, the image {image_seconds} and the file {file_seconds}. "
        "The model was {model}, the seed {seed}."
    )
    return tag("p", told.format_map(run))


def _way(number: int) -> Html:
    of = CHAPTERS[number - 1]
    return tag("li", way_to(number), tag("span", f" {of.about}"))
