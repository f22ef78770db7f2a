"""What every chapter is framed with: its title, a way to other chapters, and what is said where no run is."""

from __future__ import annotations

from importlib.resources import files

from limner.report.markup import Html, tag
from limner.studio.learn.chapters import CHAPTERS

__all__ = ["chapter", "nothing_drawn", "script", "scrolling", "style", "way_to"]


def chapter(number: int, *content: str) -> Html:
    """A chapter as a whole.

    Args:
        number: 1 to 9.
        content: what follows the title, in order.
    """
    of = CHAPTERS[number - 1]
    plural = "minute" if of.minutes == 1 else "minutes"
    head = (
        tag("p", f"Way {number} of {len(CHAPTERS)} · about {of.minutes} {plural}", class_="count"),
        tag("h2", of.title),
    )
    return tag("div", *head, *content, class_="learn chapter")


def nothing_drawn() -> Html:
    """What a chapter says that needs a run, where there is none."""
    return tag(
        "p",
        "Draw a picture first, in the tab Create. Then come back: everything here is read off that run.",
        class_="note",
    )


def way_to(number: int, words: str | None = None) -> Html:
    """A button that opens another chapter; the page's script listens to it."""
    told = words or f"{number} {CHAPTERS[number - 1].title}"
    return tag("button", told, type="button", class_="way-to", data_chapter=number)


def scrolling(table: Html, *, label: str) -> Html:
    """A table that is wider than a telephone scrolls inside itself, by keyboard too."""
    return tag("div", table, class_="scroll", tabindex=0, role="group", aria_label=label)


def style() -> Html:
    """The chapters' look: the report's own, within the page's colours."""
    report = files("limner.report").joinpath("page.css").read_text(encoding="utf-8")
    own = files(__package__).joinpath("learn.css").read_text(encoding="utf-8")
    return tag("style", Html(f".learn {{\n{report}\n}}\n{own}"))


def script() -> str:
    """What runs in the browser once the chapters are there: the film's slider, and the ways to other chapters."""
    film = files("limner.report").joinpath("film.js").read_text(encoding="utf-8")
    own = files(__package__).joinpath("learn.js").read_text(encoding="utf-8")
    return f"const showFilm = () => {{\n{film}\n}};\n{own}"
