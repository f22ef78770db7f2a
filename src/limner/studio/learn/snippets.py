"""Way 6: programs that draw the picture on screen again."""

from __future__ import annotations

from limner.report.markup import Html, tag
from limner.studio.learn.framing import chapter, nothing_drawn
from limner.studio.programs import FILE, client_code, command, curl, library_code
from limner.studio.shown import Shown

__all__ = ["code"]


def code(shown: Shown | None, url: str) -> Html:
    """The four programs, each with a button that copies it; the page's script listens to that.

    Args:
        shown: what to draw again.
        url: the server's, without a slash at its end.
    """
    if shown is None:
        return chapter(6, nothing_drawn())
    if not shown.prompt:
        told = "This picture was drawn from another picture, without words: words alone do not draw it again."
        return chapter(6, tag("p", told, class_="note"))
    programs = {
        "OpenAI's client, in Python": client_code(shown, url),
        "limner as a library, in Python": library_code(shown),
        "The command line": command(shown),
        "curl": curl(shown, url),
    }
    return chapter(
        6,
        tag(
            "p",
            "The same prompt, seed and settings give the same picture, whoever asks. Here are four ways to ask. "
            f"Each writes {FILE}, and each is run by limner's own tests.",
        ),
        *(tag("p", told, class_="note") for told in _limits(shown)),
        *(_program(title, lines) for title, lines in programs.items()),
    )


def _program(title: str, lines: str) -> Html:
    copy = tag("button", "Copy", type="button", class_="copy", data_copy=True, aria_label=f"Copy: {title}")
    head = tag("div", tag("h3", title), copy, class_="program-head")
    shown = tag("pre", tag("code", lines.rstrip()), tabindex=0, role="group", aria_label=title)
    return tag("div", head, shown, class_="program")


def _limits(shown: Shown) -> list[str]:
    """What one of the ways cannot do."""
    limits = []
    if shown.negative_prompt:
        limits.append(
            "The command line has no negative prompt: its picture will differ. The others have one."
        )
    if shown.style == "natural":
        limits.append(
            "The style natural is the server's: it takes a quarter off the colours' strength. The library and the "
            "command line give the picture as the model drew it."
        )
    return limits
