"""What cannot be done is told in a sentence where one looks, never as a traceback; then one can go on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.server.helpers import noise, png
from tests.studio.browser.acting import ask_for, draw, press, tab, told, upload, write
from tests.studio.browser.conftest import Visit

pytestmark = pytest.mark.timeout(900)


def nothing_leaks(page: Page) -> None:
    """No traceback, no exception and no path is to be seen."""
    seen = page.locator("body").inner_text()
    assert not any(leak in seen for leak in ("Traceback", "Error:", "site-packages"))


@pytest.mark.parametrize(
    ("prompt", "seed", "sentence"),
    [
        ("", "1", "There is no prompt: say in words what to draw."),
        ("   ", "1", "There is no prompt: say in words what to draw."),
        ("a boat", "twelve", "The seed must be a whole number such as 42, not 'twelve'"),
        ("a boat", "-1", "The seed must be a whole number such as 42, not '-1'"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    address: str, visit: Visit, prompt: str, seed: str, sentence: str
) -> None:
    """It is read out as an alert; when it is put right, the picture is drawn."""
    page = visit(address)
    ask_for(page, prompt, seed)
    press(page, "Draw")
    told(page, "create", sentence)
    expect(page.locator("#create-status").get_by_role("alert")).to_be_visible()
    nothing_leaks(page)
    ask_for(page, "a boat", "1")
    draw(page)


def test_a_size_that_is_none_is_told(address: str, visit: Visit) -> None:
    """One can write one's own, and so a wrong one."""
    page = visit(address)
    field = page.get_by_label("Size").locator("visible=true")
    field.fill("wide")
    field.press("Enter")
    field.press("Tab")
    press(page, "Draw")
    told(page, "create", "Invalid size 'wide'")
    expect(page.locator("#create-status").get_by_role("alert")).to_be_visible()
    nothing_leaks(page)


def test_the_editor_tells_what_is_missing(address: str, visit: Visit) -> None:
    """A picture, one that can be read, and words for what goes there."""
    page = visit(address)
    tab(page, "Edit and vary")
    press(page, "Draw this part")
    told(page, "edit", "There is no picture to start from")
    press(page, "Take the picture on screen")
    told(page, "edit", "There is no picture yet: draw one, or upload one.")
    upload(page, "broken.png", b"no picture at all")
    told(page, "edit", "is none of PNG, JPEG, WebP, GIF")
    expect(page.locator("#edit-status").get_by_role("alert")).to_be_visible()
    nothing_leaks(page)
    upload(page, "whole.png", png(noise(64, 64)))
    told(page, "edit", "This picture has 64x64 pixels")
    press(page, "Draw this part")
    told(page, "edit", "There is no prompt: say in words what to draw.")
    nothing_leaks(page)


def test_the_lab_tells_what_it_cannot_draw(address: str, visit: Visit) -> None:
    """No prompt, a seed that is none, and more pictures than it draws at a time."""
    page = visit(address)
    tab(page, "Prompt lab")
    for prompts, seeds, sentence in (
        ("", "1", "There is no prompt: write one a line."),
        ("a boat", "one", "The seed must be a whole number such as 42, not 'one'"),
        ("a boat", "\n".join(map(str, range(13))), "at most 12 are drawn at a time"),
    ):
        write(page, page.get_by_label("Prompts"), prompts)
        write(page, page.get_by_label("Seeds"), seeds)
        press(page, "Draw the grid")
        told(page, "lab", sentence)
        nothing_leaks(page)
