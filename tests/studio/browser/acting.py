"""What people do on the page, and what they look for on it.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from limner.imaging.reader import read_pixels
from limner.types import Pixels

__all__ = [
    "PATIENCE",
    "TABS",
    "ask_for",
    "downloaded",
    "draw",
    "faults",
    "fits",
    "need_axe",
    "painting",
    "photograph",
    "pixels",
    "press",
    "set_steps",
    "stroke",
    "tab",
    "told",
    "turn_to",
    "upload",
    "write",
]

PATIENCE = 120_000
"""Milliseconds that a busy machine may take for anything."""

TABS = ("Create", "Edit and vary", "Prompt lab", "History", "Learn")
AXE = Path(__file__).parents[3] / ".venv" / "browser" / "node_modules" / "axe-core" / "axe.min.js"


def tab(page: Page, name: str) -> None:
    """Go to a tab, wherever a narrow page has put it."""
    shown, others = page.get_by_role("tab", name=name), page.locator(".overflow-menu > button")
    expect(shown.or_(others).locator("visible=true").first).to_be_visible()
    if not shown.is_visible():
        others.click()
        shown = page.locator(".overflow-dropdown button", has_text=name)
    shown.click()


def press(page: Page, name: str) -> None:
    """Press a button of the tab that is open."""
    page.get_by_role("button", name=name, exact=True).locator("visible=true").click()


def told(page: Page, where: str, text: str | re.Pattern[str]) -> None:
    """Wait until the line of a tab says so."""
    expect(page.locator(f"#{where}-status")).to_contain_text(text)


def write(page: Page, fields: Locator, text: str) -> None:
    """Write into the field that can be seen until it stays: one just shown may yet be given its first value."""
    field = fields.locator("visible=true")
    for _ in range(10):
        field.fill(text)
        field.press("Tab")
        page.wait_for_timeout(400)
        if field.input_value() == text:
            break
    expect(field).to_have_value(text)


def ask_for(page: Page, prompt: str, seed: str) -> None:
    """Fill in the tab Create."""
    write(page, page.get_by_label("Prompt", exact=True), prompt)
    write(page, page.get_by_label("Seed"), seed)


def set_steps(page: Page, steps: int) -> None:
    """Open the settings and ask for so many steps."""
    page.get_by_text("More settings").locator("visible=true").click()
    write(page, page.get_by_label(re.compile("number input for Steps")), str(steps))


def draw(page: Page) -> None:
    """Draw the prompt that stands there."""
    press(page, "Draw")
    told(page, "create", "The picture is drawn.")


def downloaded(page: Page, name: str = "Download PNG") -> bytes:
    """What a download button gives."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).locator(
            "visible=true"
        ).click()
    return Path(download.value.path()).read_bytes()


def pixels(page: Page) -> Pixels:
    """The picture that is told of, from its PNG."""
    return read_pixels(downloaded(page))


@contextmanager
def painting(page: Page) -> Iterator[None]:
    """Take the picture to the editor; after the block, paint across its middle."""
    tab(page, "Edit and vary")
    press(page, "Take the picture on screen")
    told(page, "edit", "paint over what is to be drawn anew")
    yield
    stroke(page)


def stroke(page: Page) -> None:
    """Paint across the middle of the picture in the editor."""
    canvas = page.locator("#editor canvas").first
    expect(canvas).to_be_visible()
    page.wait_for_timeout(1500)  # the editor tells nobody when it has laid out its picture
    box = canvas.bounding_box()
    assert box is not None
    middle, height = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle - 40, height)
    page.mouse.down()
    page.mouse.move(middle + 40, height, steps=8)
    page.mouse.up()
    page.wait_for_timeout(500)


def upload(page: Page, name: str, data: bytes) -> None:
    """Hand in a picture of one's own, in the tab Edit and vary."""
    with page.expect_file_chooser() as chooser:
        press(page, "Upload a picture")
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": data})


def turn_to(page: Page, title: str) -> Locator:
    """Choose one of the nine ways at the top of the tab Learn; where it is shown."""
    page.locator("#chapters").get_by_role("radio", name=re.compile(rf"^\d {title}$")).check()
    chapter = page.locator("#chapter")
    expect(chapter.get_by_role("heading", name=title, exact=True, level=2)).to_be_visible()
    return chapter


def photograph(page: Page, name: str) -> None:
    """Keep a screenshot for a person to look at, in the folder that STUDIO_SCREENSHOTS names."""
    if folder := os.environ.get("STUDIO_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def fits(page: Page) -> bool:
    """Nothing hangs over at the side or is cut off there, but for what scrolls by itself."""
    return bool(
        page.evaluate(
            """() => {
              const ends = (each) => each.getBoundingClientRect().right;
              const said = [...document.querySelectorAll("p, h2, h3, dd, figcaption, summary")];
              const over = said.filter((each) => !each.closest(".scroll, .grid, pre") && ends(each) > innerWidth);
              return document.documentElement.scrollWidth <= innerWidth && over.length === 0;
            }"""
        )
    )


def need_axe() -> None:
    """Skip where axe-core is missing."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make test installs it, where there is npm")


def faults(page: Page) -> list[str]:
    """What axe finds that is serious, or worse."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    found: list[dict[str, Any]] = page.evaluate("axe.run()")["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in serious]
