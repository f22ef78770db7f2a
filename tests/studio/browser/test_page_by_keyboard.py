"""The page without a mouse: every key goes to what has the focus, and what has it can be seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from limner.imaging.metadata import read_metadata
from limner.imaging.reader import read_pixels
from tests.studio.browser.acting import TABS, told
from tests.studio.browser.conftest import Visit

pytestmark = pytest.mark.timeout(900)

MOST = 60
"""How often Tab may be pressed on the way to anything."""

PROMPT = "a red boat on the sea"


def test_a_picture_is_drawn_and_downloaded(address: str, visit: Visit) -> None:
    """Tab to the prompt, type, Tab to the button, Enter; then Tab to the file."""
    page = visit(address)
    go_to(page, page.get_by_label("Prompt", exact=True))
    page.keyboard.press("Control+a")
    page.keyboard.type(PROMPT)
    go_to(page, page.get_by_role("button", name="Draw", exact=True))
    page.keyboard.press("Enter")
    told(page, "create", "The picture is drawn.")
    name = "Download PNG"
    go_to(page, page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    data = download.value.path().read_bytes()
    assert read_pixels(data).shape == (256, 256, 3)
    assert read_metadata(data)["prompt"] == PROMPT


def test_enter_in_the_prompt_draws(address: str, visit: Visit) -> None:
    """Together with Shift: alone it begins a new line."""
    page = visit(address)
    go_to(page, page.get_by_label("Prompt", exact=True))
    page.keyboard.press("Shift+Enter")
    told(page, "create", "The picture is drawn.")


def test_every_tab_is_reached(address: str, visit: Visit) -> None:
    """One after the other, by Tab and Enter."""
    page = visit(address)
    for name in TABS[1:]:
        go_to(page, page.get_by_role("tab", name=name))
        page.keyboard.press("Enter")
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


def test_the_ways_are_chosen_and_used(address: str, visit: Visit) -> None:
    """Space chooses a way, and the film's slider has its keys."""
    page = visit(address)
    go_to(page, page.get_by_label("Prompt", exact=True))
    page.keyboard.press("Shift+Enter")
    told(page, "create", "The picture is drawn.")
    go_to(page, page.get_by_role("tab", name="Learn"), back=True)
    page.keyboard.press("Enter")
    for way in ("2 Pipeline trace", "3 Prediction trace"):
        choice = page.get_by_role("radio", name=way)
        go_to(page, choice)
        page.keyboard.press("Space")
        expect(choice).to_be_checked()
        expect(page.get_by_role("heading", name=way[2:], exact=True)).to_be_visible()
    go_to(page, page.get_by_role("slider", name="Step"))
    page.keyboard.press("Home")
    expect(page.locator("#told")).to_contain_text("1 of 4")


def go_to(page: Page, target: Locator, *, back: bool = False) -> None:
    """Press Tab until this has the focus; whatever has it on the way shows that it does."""
    target = target.locator("visible=true").first
    for _ in range(MOST):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        focused = page.locator("*:focus")
        if focused.count():
            assert shows_focus(page), focused.evaluate("here => here.outerHTML.slice(0, 300)")
        if target.evaluate("here => here === document.activeElement"):
            return
    pytest.fail(f"{MOST} times Tab do not lead to {target}")


def shows_focus(page: Page) -> bool:
    """An outline or a shadow around it, or around the button that a label makes of it."""
    return bool(
        page.evaluate(
            """() => {
              const marked = (each) => {
                const look = getComputedStyle(each);
                return (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0)
                  || look.boxShadow !== "none";
              };
              const here = document.activeElement;
              const around = here.closest("label");
              return marked(here) || (around !== null && marked(around));
            }"""
        )
    )
