"""Way 5: the toy, drawn: five moments side by side, the paths, and what can be counted.

Axes in names: N points, K words, C the two coordinates, S moments.
"""

from __future__ import annotations

import math

import numpy as np

from limner.report.markup import Html, tag
from limner.report.parts import facts, shape
from limner.studio.learn.framing import chapter
from limner.studio.learn.running import manifest_of
from limner.studio.learn.toy import ANY, SPREAD, WORDS, Play, centres
from limner.studio.shown import Shown
from limner.types import Floats

__all__ = ["drawn", "measured", "why_it_works"]

_REACH = 2.6
_MOMENTS = 5
_PATHS = 40


def why_it_works(shown: Shown | None) -> Html:
    """What is to be seen in the toy, before it is played with."""
    width, height = manifest_of(shown).picture_size
    sizes = (height, width, 3)
    return chapter(
        5,
        tag(
            "p",
            f"A picture of {shape(sizes)} is one point in a space of {math.prod(sizes):,} directions. Nobody can "
            "look at that. So here a picture is a point on paper: two numbers. All else is the same: the points use "
            "limner's own noise, times, sampler and guidance.",
        ),
        tag(
            "p",
            f"There are three words, {', '.join(WORDS[:-1])} and {WORDS[-1]}, and each has a cloud of points that "
            "belong to it. Every point begins as noise. At each step the denoiser answers one question: of all "
            "clean points that could have become this noisy one, what is the mean? The point moves a part of the "
            "way there. Then it asks again, from a better place.",
        ),
        tag(
            "ul",
            tag(
                "li", "Set steps to 1: every point jumps to one mean answer, a blur. Many steps make a cloud."
            ),
            tag("li", "Choose a word and raise guidance: the points lean away from the other words' clouds."),
            tag("li", "With any word, guidance changes nothing: there is nothing to lead away from."),
            tag("li", "Change the seed: other points, the same cloud."),
            class_="hints",
        ),
    )


def measured(play: Play) -> dict[str, float]:
    """What the last moment comes to.

    Returns:
        `shift`, from the centre of the word (of each point's nearest, where any is right) to the points' mean;
        `deviation`, the standard one around that mean along an axis; `own`, the share of points nearest to their
        own word.
    """
    points_NC = play.points_SNC[-1]
    away_NKC = points_NC[:, None] - centres()
    nearest_N = (away_NKC**2).sum(axis=2).argmin(axis=1)
    own_N = nearest_N if play.word == ANY else np.full(len(points_NC), WORDS.index(play.word))
    around_NC = away_NKC[np.arange(len(points_NC)), own_N]
    return {
        "shift": float(np.linalg.norm(around_NC.mean(axis=0))),
        "deviation": float(np.sqrt(around_NC.var(axis=0).mean())),
        "own": float((nearest_N == own_N).mean()),
    }


def drawn(play: Play) -> Html:
    """The moments, the paths and the counts."""
    steps = len(play.times_S) - 1
    moments = np.unique(np.rint(np.linspace(0, steps, _MOMENTS)).astype(int)).tolist()
    count = measured(play)
    return tag(
        "div",
        tag("h3", "From noise to points"),
        tag("ol", *(_moment(play, moment) for moment in moments), class_="moments"),
        tag("h3", "The way of each point"),
        _paths(play),
        facts(
            {
                "Points": f"{play.points_SNC.shape[1]}",
                "Steps": f"{steps}",
                "Nearest to their own word": "every word is theirs"
                if play.word == ANY
                else f"{count['own']:.0%}",
                "Mean, from the centre": f"{count['shift']:.2f}",
                "Spread": f"{count['deviation']:.2f}",
                "Spread of the word": f"{SPREAD:.2f}",
            }
        ),
        class_="learn toy",
    )


def _moment(play: Play, moment: int) -> Html:
    t = play.times_S[moment]
    told = f"Step {moment}, t {t:.2f}"
    points = _points(play.points_SNC[moment], play.word)
    image = _plane(_clouds(), points, told=f"{told}: {len(play.points_SNC[moment])} points.")
    return tag("li", tag("figure", image, tag("figcaption", told)))


def _paths(play: Play) -> Html:
    paths_NSC = play.points_SNC[:, :_PATHS].transpose(1, 0, 2)
    lines = [tag("polyline", points=" ".join(map(_place, path_SC)), class_="path") for path_SC in paths_NSC]
    ends = _points(play.points_SNC[-1, :_PATHS], play.word)
    told = f"The paths of {len(lines)} points from noise to where they ended."
    image = _plane(_clouds(), tag("g", *lines), ends, told=told)
    return tag("figure", image, tag("figcaption", told), class_="paths")


def _plane(*content: Html, told: str) -> Html:
    view = f"{-_REACH:g} {-_REACH:g} {2 * _REACH:g} {2 * _REACH:g}"
    return tag("svg", *content, viewBox=view, role="img", aria_label=told, class_="plane")


def _clouds() -> Html:
    """Each word's cloud as a circle of two standard deviations, with its name."""
    clouds = [
        tag(
            "g",
            tag("circle", cx=f"{x:g}", cy=f"{-y:g}", r=2 * SPREAD, class_="cloud"),
            tag("text", word, x=f"{x:g}", y=f"{-y:g}", text_anchor="middle", class_="cloud-name"),
        )
        for word, (x, y) in zip(WORDS, centres().tolist(), strict=True)
    ]
    return tag("g", *clouds)


def _points(points_NC: Floats, word: str) -> Html:
    look = "any" if word == ANY else f"word-{WORDS.index(word)}"
    return tag(
        "g",
        *(tag("circle", cx=f"{x:.3f}", cy=f"{-y:.3f}", r=0.05) for x, y in points_NC.tolist()),
        class_=f"points {look}",
    )


def _place(point_C: Floats) -> str:
    return f"{point_C[0]:.3f},{-point_C[1]:.3f}"
