"""The studio in a real browser: what people do on the page, and what they must never see.

Each test also fails when the console tells an error or when anything is asked of another machine.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from limner.imaging.metadata import read_metadata
from limner.imaging.reader import read_pixels
from tests.server.helpers import noise, png
from tests.studio.browser.acting import (
    TABS,
    ask_for,
    downloaded,
    draw,
    faults,
    fits,
    need_axe,
    painting,
    photograph,
    pixels,
    press,
    set_steps,
    stroke,
    tab,
    told,
    upload,
    write,
)
from tests.studio.browser.conftest import Leave, Scheme, Serve, Visit

pytestmark = pytest.mark.timeout(900)


def test_a_picture_is_drawn_with_previews_and_downloaded(address: str, visit: Visit) -> None:
    """The steps are told while they are made; all three files open, with the seed inside."""
    page = visit(address)
    set_steps(page, 40)
    press(page, "Draw")
    told(page, "create", re.compile(r"step \d+ of 40 is done"))
    expect(page.locator("#create-gallery img").first).to_be_visible()
    told(page, "create", "The picture is drawn.")
    files = [downloaded(page, f"Download {name}") for name in ("PNG", "JPEG", "WebP")]
    assert [read_pixels(data).shape for data in files] == [(256, 256, 3)] * 3
    seed = read_metadata(files[0])["seed"]
    press(page, "Use this seed")
    expect(page.get_by_label("Seed").locator("visible=true")).to_have_value(str(seed))
    page.get_by_text("The same picture by code").locator("visible=true").click()
    code = page.locator(".code textarea").locator("visible=true")
    expect(code).to_have_value(re.compile(f"'seed': {seed}"))


def test_cancel_stops_the_drawing(address: str, visit: Visit) -> None:
    """It is told, nothing is kept, and one can draw again."""
    page = visit(address)
    set_steps(page, 100)
    press(page, "Draw")
    told(page, "create", re.compile("Drawing"))
    press(page, "Cancel")
    told(page, "create", "Cancelled: nothing was drawn")
    expect(page.get_by_role("button", name="Draw", exact=True)).to_be_enabled()
    tab(page, "History")
    told(page, "history", "0 pictures")


def test_what_is_not_painted_stays_to_the_bit(address: str, visit: Visit) -> None:
    """The middle is drawn anew, and every pixel outside the stroke is the source's own."""
    page = visit(address)
    draw(page)
    source_HWC = pixels(page)
    with painting(page):
        write(page, page.get_by_label("What goes there"), "a red ball")
    press(page, "Draw this part")
    told(page, "edit", "The picture is drawn.")
    changed_HW = (pixels(page) != source_HWC).any(axis=2)
    assert changed_HW[128, 118:138].mean() > 0.5
    assert not changed_HW[:64].any()
    assert not changed_HW[192:].any()
    assert changed_HW.mean() < 0.3


def test_a_picture_is_varied(address: str, visit: Visit) -> None:
    """Without painting, and without words."""
    page = visit(address)
    draw(page)
    with painting(page):
        pass
    press(page, "Vary it all")
    told(page, "edit", "The picture is drawn.")
    assert pixels(page).shape == (256, 256, 3)


def test_a_picture_of_ones_own_is_edited(address: str, visit: Visit) -> None:
    """It is uploaded, painted on and drawn anew at its own size; what is not painted stays to the bit."""
    page = visit(address)
    source_HWC = noise(200, 300)
    tab(page, "Edit and vary")
    upload(page, "mine.png", png(source_HWC))
    told(page, "edit", "This picture has 300x200 pixels")
    write(page, page.get_by_label("What goes there"), "a red ball")
    stroke(page)
    press(page, "Draw this part")
    told(page, "edit", "The picture is drawn.")
    changed_HW = (pixels(page) != source_HWC).any(axis=2)
    assert changed_HW.shape == (200, 300)
    assert changed_HW[100, 140:160].mean() > 0.5
    assert not changed_HW[:30].any()


def test_the_lab_compares_prompts(address: str, visit: Visit) -> None:
    """A labelled grid, and the word that changed, with its map."""
    page = visit(address)
    tab(page, "Prompt lab")
    write(page, page.get_by_label("Seeds"), "1\n2")
    press(page, "Draw the grid")
    told(page, "lab", "The grid is drawn.")
    grid = page.locator("#lab-grid")
    expect(grid.get_by_role("columnheader", name="Seed 2")).to_be_visible()
    expect(grid.get_by_role("img")).to_have_count(4)
    expect(page.locator("#lab-changes").get_by_role("img", name=re.compile("Map of kitten"))).to_be_visible()


def test_history_survives_a_restart_and_is_nobody_elses(
    serve: Serve, tmp_path: Path, visit: Visit, leave: Leave
) -> None:
    """The same browser finds its picture at the next server, another finds nothing; then it is deleted."""
    with serve(tmp_path) as url:
        page = visit(url)
        draw(page)
        drawn_HWC = pixels(page)
        leave(page)
    with serve(tmp_path) as url:
        page.goto(f"{url}/studio")
        tab(page, "History")
        told(page, "history", "1 picture, kept on this server")
        page.locator("#history-gallery button").first.click()
        told(page, "history", "A cute puppy playing")
        assert np.array_equal(pixels(page), drawn_HWC)
        stranger = visit(url)
        tab(stranger, "History")
        told(stranger, "history", "0 pictures")
        press(page, "Delete this picture")
        told(page, "history", "The picture is deleted. 0 pictures")
        for each in (page, stranger):
            leave(each)


def test_two_browsers_at_once_have_each_their_own(address: str, visit: Visit) -> None:
    """While both draw, neither is shown, told or given anything of the other's."""
    pages = {"a red boat": visit(address), "a blue house": visit(address)}
    for seed, (prompt, page) in enumerate(pages.items()):
        ask_for(page, prompt, str(seed))
        set_steps(page, 40)
    for page in pages.values():
        press(page, "Draw")
    for seed, (prompt, page) in enumerate(pages.items()):
        told(page, "create", "The picture is drawn.")
        metadata = read_metadata(downloaded(page))
        assert (metadata["prompt"], metadata["seed"]) == (prompt, seed)
        tab(page, "History")
        told(page, "history", "1 picture, kept on this server")
        page.locator("#history-gallery button").first.click()
        told(page, "history", prompt)


def test_the_report_is_one_file_that_asks_nobody(
    address: str, visit: Visit, browser: Browser, tmp_path: Path
) -> None:
    """It opens by itself, from a disk: the prompt at its top, its film moving, and nothing fetched."""
    page = visit(address)
    ask_for(page, "a red boat on the sea", "11")
    draw(page)
    path = tmp_path / "report.html"
    path.write_bytes(downloaded(page, "Download the report"))
    assert not re.search(r"https?://", path.read_text(encoding="utf-8"))
    asked: list[str] = []
    reader = browser.new_page()
    reader.on("request", lambda request: asked.append(request.url))
    reader.goto(path.as_uri())
    expect(reader.get_by_role("heading", level=1)).to_have_text("a red boat on the sea")
    reader.get_by_role("slider", name="Step").press("Home")
    expect(reader.locator("#told")).to_contain_text("1 of 4")
    assert {url for url in asked if not url.startswith("data:")} == {path.as_uri()}
    reader.close()


def test_all_is_deleted_when_that_is_meant(address: str, visit: Visit) -> None:
    """Not before it is asked whether it is."""
    page = visit(address)
    draw(page)
    tab(page, "History")
    told(page, "history", "1 picture")
    press(page, "Delete all")
    press(page, "Yes, delete all of them")
    told(page, "history", "1 deleted. 0 pictures")


def test_a_server_with_keys_wants_one_here_too(
    serve: Serve, tmp_path: Path, visit: Visit, leave: Leave
) -> None:
    """Without it nothing is drawn; with it all is as ever."""
    with serve(tmp_path, api_keys=("lk-secret",)) as url:
        page = visit(url)
        press(page, "Draw")
        told(page, "create", "This server wants an API key")
        page.get_by_label("API key").fill("lk-secret")
        draw(page)
        leave(page)


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), (1920, "light"), (360, "light"), (1920, "dark")]
)
def test_every_tab_fits_and_can_be_read_by_all(
    address: str, visit: Visit, width: int, scheme: Scheme
) -> None:
    """Nothing hangs over at the side, and axe finds no serious fault, in the light and in the dark."""
    need_axe()
    page = visit(address, width, scheme)
    draw(page)
    for name in TABS:
        tab(page, name)
        page.wait_for_timeout(1000)  # colours fade in
        photograph(page, f"{name.lower()}-{width}-{scheme}")
        assert fits(page)
        assert faults(page) == []
