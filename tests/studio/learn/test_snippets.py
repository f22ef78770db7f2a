"""The four programs of the page draw the picture on screen again, to the pixel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import limner
from limner.imaging.reader import read_pixels
from limner.server.app import create_app
from limner.settings import Settings
from limner.studio.learn.snippets import code
from limner.studio.programs import client_code, command, curl, library_code
from limner.studio.shown import Shown
from tests.pages import Page
from tests.server.helpers import address_of, living
from tests.studio.learn.helpers import drawn

AWKWARD = 'it\'s a "red" boat, $HOME `ls` \\ and\n<b>-- ünïcode 🐶'
URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server on loopback that needs no key."""
    settings = Settings(engine="fake", data_dir=tmp_path_factory.mktemp("open"))
    with living(create_app(settings, limner.load(engine="fake"))) as server:
        yield address_of(server)


def run(words: list[str], folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Run a program in a folder, and open the picture that it leaves there."""
    # A person has the command on the path; here it lies beside the interpreter.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return read_pixels((folder / "picture.png").read_bytes())


def test_openais_client_draws_it_again(url: str, tmp_path: Path) -> None:
    """Seed, steps, guidance and size included."""
    shown = drawn(AWKWARD, size=(128, 96))
    pixels_HWC = run([sys.executable, "-c", client_code(shown, url)], tmp_path)
    np.testing.assert_array_equal(pixels_HWC, shown.picture.pixels_HWC)


def test_the_library_draws_it_again(tmp_path: Path) -> None:
    """Without a server."""
    shown = drawn(AWKWARD, size=(128, 96))
    pixels_HWC = run([sys.executable, "-c", library_code(shown)], tmp_path)
    np.testing.assert_array_equal(pixels_HWC, shown.picture.pixels_HWC)


@pytest.mark.parametrize("prompt", ["-dashed first", AWKWARD], ids=["dashed", "awkward"])
def test_the_command_line_draws_it_again(prompt: str, tmp_path: Path) -> None:
    """Also for a prompt that looks like an option, or like the shell's own words."""
    shown = drawn(prompt, size=(128, 96))
    pixels_HWC = run(["sh", "-c", command(shown)], tmp_path)
    np.testing.assert_array_equal(pixels_HWC, shown.picture.pixels_HWC)


def test_curl_draws_it_again(url: str, tmp_path: Path) -> None:
    """With nothing but curl, sed and base64."""
    shown = drawn(AWKWARD, size=(128, 96))
    pixels_HWC = run(["sh", "-c", curl(shown, url)], tmp_path)
    np.testing.assert_array_equal(pixels_HWC, shown.picture.pixels_HWC)


def test_a_negative_prompt_is_handed_on(url: str, tmp_path: Path) -> None:
    """It leads away in the program as it did on the page."""
    shown = drawn("two cats", negative_prompt="a dog")
    np.testing.assert_array_equal(run(["sh", "-c", curl(shown, url)], tmp_path), shown.picture.pixels_HWC)


def test_the_style_natural_is_asked_for_by_its_own_model(url: str, tmp_path: Path) -> None:
    """It is a word of dall-e-3, and gives the same picture in weaker colours."""
    shown = drawn("two cats", style="natural", size=(1024, 1024))
    pixels_HWC = run([sys.executable, "-c", client_code(shown, url)], tmp_path)
    assert pixels_HWC.shape == shown.picture.pixels_HWC.shape
    assert np.ptp(pixels_HWC, axis=2).mean() < 0.9 * np.ptp(shown.picture.pixels_HWC, axis=2).mean()


def test_models_are_opened_by_name(shown: Shown) -> None:
    """The default needs no name; another one is named to the library and on the command line."""
    ours = replace(shown, picture=replace(shown.picture, model="limner-2"))
    other = replace(shown, picture=replace(shown.picture, model="my model"))
    assert "limner.load()" in library_code(ours)
    assert "limner.load('my model')" in library_code(other)
    assert "--model 'my model'" in command(other)


def test_the_page_shows_all_four_as_they_are(shown: Shown) -> None:
    """Each program is text that can be copied with a button."""
    page = Page(code(shown, URL))
    assert all(
        text.rstrip() in page.told
        for text in (client_code(shown, URL), library_code(shown), command(shown), curl(shown, URL))
    )
    assert len([button for button in page.all("button") if "data-copy" in button]) == 4


def test_what_a_way_cannot_do_is_said() -> None:
    """The command line has no negative prompt, and natural is the server's."""
    told = Page(code(drawn("two cats", negative_prompt="a dog", style="natural"), URL)).told
    assert "has no negative prompt" in told
    assert "natural is the server's" in told


def test_a_variation_has_no_program(shown: Shown) -> None:
    """A picture that was drawn from another one is not drawn again by words."""
    page = Page(code(replace(shown, prompt=""), URL))
    assert "without words" in page.told
    assert page.all("pre") == []
