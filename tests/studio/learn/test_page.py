"""Whichever way is chosen, with a run or without, what comes is sound HTML that asks nobody for anything."""

from __future__ import annotations

import re
from itertools import pairwise

import gradio as gr
import pytest

from limner.studio.learn import build
from limner.studio.learn.chapters import CHAPTERS
from limner.studio.learn.craft import PAIRS
from limner.studio.learn.framing import script, style
from limner.studio.learn.page import pair_chosen, told
from limner.studio.shown import Shown
from tests.pages import Page
from tests.studio.learn.helpers import HOSTILE, built, drawn

NINE = range(1, 10)
NEED_A_RUN = (2, 3, 6)


@pytest.mark.parametrize("number", NINE)
def test_a_chapter_is_sound_html(number: int, shown: Shown) -> None:
    """Every tag is closed, and no id occurs twice."""
    page = Page(told(number, shown))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert page.faults == []
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("number", NINE)
def test_headings_are_in_order(number: int, shown: Shown) -> None:
    """A chapter's title is an h2, as the page has the h1, and no level is jumped over."""
    levels = Page(told(number, shown)).headings
    assert levels[0] == 2
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("number", NINE)
def test_pictures_have_words(number: int, shown: Shown) -> None:
    """Each image and each drawing says in words what it shows."""
    page = Page(told(number, shown))
    assert all(image["alt"] for image in page.all("img"))
    assert all(drawing["aria-label"] for drawing in page.all("svg"))


@pytest.mark.parametrize("number", NINE)
def test_a_prompt_is_never_markup(number: int) -> None:
    """Tags, quotes and entities of a prompt are text."""
    page = Page(told(number, drawn(HOSTILE)))
    assert page.faults == []
    assert page.all("script") == []


@pytest.mark.parametrize("number", NINE)
def test_nothing_is_asked_of_anybody(number: int, shown: Shown) -> None:
    """Pictures lie in the page itself, and there is no link to anywhere."""
    page = Page(told(number, shown))
    assert all(str(image["src"]).startswith("data:") for image in page.all("img"))
    assert all(str(link["href"]).startswith("#") for link in page.all("a"))


@pytest.mark.parametrize("number", NINE)
def test_without_a_run_a_chapter_still_says_something(number: int) -> None:
    """It tells what needs no run, or says that a picture is to be drawn first."""
    page = Page(told(number, None))
    assert CHAPTERS[number - 1].title in page.told
    assert ("Draw a picture first" in page.told) or number not in NEED_A_RUN


@pytest.mark.parametrize("number", NEED_A_RUN[:2])
def test_a_picture_without_a_trace_tells_no_story(number: int, shown: Shown) -> None:
    """A picture out of the history has no trace: nothing is made up for it."""
    from dataclasses import replace

    past = replace(shown, picture=replace(shown.picture, trace=None))
    assert "Draw a picture first" in Page(told(number, past)).told


def test_each_pair_of_prompts_has_a_button() -> None:
    """It names the pair, whose two prompts go to the lab a line each."""
    buttons = [button for button in Page(told(7, None)).all("button") if "data-pair" in button]
    assert [button["aria-label"] for button in buttons] == [f"Try this pair: {pair.about}" for pair in PAIRS]
    chosen = [pair_chosen(gr.EventData(None, {"pair": int(str(button["data-pair"]))})) for button in buttons]
    assert chosen == [f"{pair.one}\n{pair.other}" for pair in PAIRS]


def test_style_and_script_fetch_nothing() -> None:
    """No font, no picture and no program comes from elsewhere."""
    assert not re.search(r"https?:|@import|url\(", style() + script())


def test_the_tab_can_be_built() -> None:
    """It fits into a page of Gradio's, with nine ways to choose from."""
    page = built(lambda shown: build(shown, lambda _: "http://127.0.0.1:8000"))
    [chosen] = [block for block in page.blocks.values() if getattr(block, "elem_id", "") == "chapters"]
    assert isinstance(chosen, gr.Radio)
    assert len(chosen.choices) == len(CHAPTERS) == len(NINE)
