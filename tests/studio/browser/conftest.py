"""A browser, and servers with the page on them that draw slowly enough to be watched."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from limner.engines.fake import FakeEngine
from limner.pipeline import Pipeline
from limner.server.services import start_services
from limner.settings import Settings
from limner.types import Floats
from tests.server.helpers import address_of, living
from tests.studio.browser.acting import PATIENCE
from tests.studio.helpers import with_page

NAMES = ("chromium", "chromium-browser", "google-chrome")

Serve: TypeAlias = Callable[..., AbstractContextManager[str]]
Visit: TypeAlias = Callable[..., Page]
Leave: TypeAlias = Callable[[Page], None]
Scheme: TypeAlias = Literal["light", "dark"]


class Slow(FakeEngine):
    """The instant engine, with time to look at each step."""

    def denoise(self, *given: Any, **named: Any) -> Floats:
        """As ever, and a little later."""
        time.sleep(0.05)
        return super().denoise(*given, **named)


@pytest.fixture(scope="package")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Serves the page; settings as for `Settings`, the data folder first."""

    @contextmanager
    def serving(data_dir: Path, **settings: Any) -> Iterator[str]:
        chosen = Settings(**{"engine": "fake", "data_dir": data_dir} | settings)
        services = start_services(chosen, Pipeline(Slow()))
        # On another thread: on this one the browser's own event loop runs.
        with ThreadPoolExecutor() as pool:
            app = pool.submit(with_page, services).result()
        with living(app) as server:
            try:
                yield address_of(server)
            finally:
                services.leaving.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("shown")))
        yield serving


@pytest.fixture(scope="package")
def address(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that wants no key."""
    with serve(tmp_path_factory.mktemp("studio")) as url:
        yield url


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium here: apt install chromium")
    # As root, in a container, Chromium has no sandbox to offer.
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=flags, timeout=PATIENCE)
        yield chromium
        chromium.close()


@pytest.fixture
def leaving() -> set[Page]:
    """Pages that are being left: what their streams say of that is no complaint."""
    return set()


@pytest.fixture
def leave(leaving: set[Page]) -> Leave:
    """Goes away from the studio's page, which stays open."""

    def go_away(page: Page) -> None:
        leaving.add(page)
        page.goto("about:blank")
        leaving.remove(page)

    return go_away


@pytest.fixture
def visit(browser: Browser, leaving: set[Page]) -> Iterator[Visit]:
    """Opens the page in a browser of its own; at the end nothing went wrong and nobody else was asked."""
    with visiting(browser, leaving) as open_page:
        yield open_page


@contextmanager
def visiting(browser: Browser, leaving: set[Page]) -> Iterator[Visit]:
    """Browsers that open the page, and at the end have nothing to complain of.

    Args:
        browser: has them all.
        leaving: pages of which nothing counts while they are in it.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(page: Page, complaint: str) -> None:
        if page not in leaving:
            complaints.append(complaint)

    def open_page(url: str, width: int = 1280, scheme: Scheme = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda told: note(page, told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: note(page, str(error)))
        page.on("request", lambda asked: None if is_ours(asked.url) else note(page, asked.url))
        page.goto(f"{url}/studio")
        page.get_by_role("button", name="Draw", exact=True).wait_for()
        return page

    yield open_page
    for context in contexts:
        leaving.update(context.pages)
        context.close()
    assert complaints == []


def is_ours(url: str) -> bool:
    """Whether an address is this machine's, or no address of a machine."""
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))
