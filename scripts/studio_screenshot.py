"""Writes docs/images/studio.webp: the studio's tab Create as a browser shows it, with a picture of the shipped model.

Needs what the tests of the studio need: `make test` installs it, Debian's package `chromium` aside.
"""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import expect, sync_playwright

__all__ = ["photographed", "serving", "squeezed"]

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "studio.webp"
MOST_BYTES = 120_000
PROMPT, SEED = "A cute puppy playing with a ball in the park", "9"
WIDTH, HEIGHT = 1280, 900
SECONDS = 600
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def serving(engine: str) -> Iterator[str]:
    """`limner studio` on a free port, with a data folder of its own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("limner")), "studio", "--engine", engine]
        command += ["--port", str(port), "--data-dir", folder]
        quiet = subprocess.DEVNULL
        server = subprocess.Popen(command, stdout=quiet, stderr=quiet)  # noqa: S603  our own
        try:
            _await(url, server)
            yield url
        finally:
            server.terminate()
            server.wait()


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(f"{url}/studio/", timeout=SECONDS):  # noqa: S310  it is this machine
                return
        except (URLError, ConnectionError):
            time.sleep(0.5)
    raise SystemExit("limner studio does not answer: run it by itself to see why")


def photographed(url: str) -> bytes:
    """The page as a PNG, after the picture was drawn."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise SystemExit("there is no Chromium here: apt install chromium")
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=flags, timeout=1000 * SECONDS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.set_default_timeout(1000 * SECONDS)
        page.goto(f"{url}/studio")
        page.get_by_label("Prompt", exact=True).locator("visible=true").fill(PROMPT)
        page.get_by_label("Seed").locator("visible=true").fill(SEED)
        page.get_by_role("button", name="Draw", exact=True).locator("visible=true").click()
        drawn = page.locator("#create-status")
        expect(drawn).to_contain_text("The picture is drawn.", timeout=1000 * SECONDS)
        page.get_by_role("button", name="Download PNG").or_(
            page.get_by_role("link", name="Download PNG")
        ).wait_for()
        page.mouse.move(0, 0)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(2000)  # colours fade
        picture = page.screenshot(timeout=1000 * SECONDS)
        browser.close()
    return picture


def squeezed(png: bytes) -> bytes:
    """The picture as WebP, as fine as its bytes allow."""
    image = Image.open(BytesIO(png)).convert("RGB")
    for quality in range(90, 0, -5):
        file = BytesIO()
        image.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= MOST_BYTES:
            return file.getvalue()
    raise SystemExit(f"the picture does not fit into {MOST_BYTES:,} bytes")


def main() -> None:
    """Draw, photograph, write."""
    with serving(sys.argv[1] if len(sys.argv) > 1 else "openvino") as url:
        PICTURE.write_bytes(squeezed(photographed(url)))
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
