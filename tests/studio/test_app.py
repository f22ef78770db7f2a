"""`limner.studio.app`: the page and the API are one application."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from limner.server.services import Services
from limner.studio.visitor import COOKIE
from tests.studio.helpers import with_page


@pytest.fixture
def client(services: Callable[..., Services]) -> Iterator[TestClient]:
    """A client of a server with the page."""
    started = services()
    with TestClient(with_page(started), raise_server_exceptions=False) as client:
        yield client


def test_the_page_stands_beside_the_api(client: TestClient) -> None:
    """With and without its slash; what was there before still is."""
    assert "limner studio" in client.get("/studio").text
    assert "limner studio" in client.get("/studio/").text
    assert client.get("/v1/models").status_code == 200
    assert client.get("/nowhere").json()["error"]["code"] == "unknown_url"


def test_each_browser_gets_a_cookie_that_no_script_can_read(client: TestClient) -> None:
    """Once, with the page itself, and another one for every browser."""
    first = client.get("/studio/").headers["set-cookie"]
    assert re.match(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; .*SameSite=Lax", first)
    assert "set-cookie" not in client.get("/studio/").headers
    client.cookies.clear()
    assert client.get("/studio/").headers["set-cookie"] != first
    client.cookies.clear()
    assert "set-cookie" not in client.get("/studio/config").headers


def test_the_page_tells_nobody(client: TestClient) -> None:
    """No analytics, and no way to call it but by its own tabs."""
    config = client.get("/studio/config").json()
    assert config["analytics_enabled"] is False
    assert {each["api_visibility"] for each in config["dependencies"]} == {"private"}


def test_files_of_the_server_are_not_the_pages(client: TestClient) -> None:
    """The history's database and the keys cannot be had through the page's files."""
    data_dir = client.app.state.services.settings.data_dir  # type: ignore[attr-defined]
    for name in ("studio/history.sqlite3", "keys.json"):
        path = data_dir / name
        assert client.get(f"/studio/gradio_api/file={path}").status_code in (403, 404)
    assert (data_dir / "studio/history.sqlite3").exists()
