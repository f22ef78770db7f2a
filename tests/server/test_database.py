"""Servers that share a database: one limit, and what clients see while it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest
from starlette.testclient import TestClient

from tests.postgres import Postgres
from tests.server.helpers import Serve, error_of

Server: TypeAlias = Callable[..., TestClient]


@pytest.fixture
def server(serve: Serve, database_server: Postgres) -> Iterator[Server]:
    """Starts one more server on the same database, each with a data folder of its own; settings as for `Settings`."""
    url = database_server.fresh()
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serve(database_url=url, api_keys=("k",), **settings))


def draw(client: TestClient, n: int = 1) -> Any:
    """The answer to a call for pictures."""
    body = {
        "prompt": "a red boat",
        "model": "dall-e-2",
        "size": "256x256",
        "n": n,
        "response_format": "b64_json",
    }
    return client.post("/v1/images/generations", json=body, headers={"authorization": "Bearer k"})


def test_a_limit_holds_for_all_servers(server: Server) -> None:
    """What a key had drawn by one counts on another, in the headers, too."""
    here, there = (server(images_per_minute=3) for _ in range(2))
    answers = [draw(here, 2), draw(there), draw(here), draw(there)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert [answer.headers["x-ratelimit-remaining-images"] for answer in answers] == ["1", "0", "0", "0"]


def test_while_the_database_is_away_nothing_is_let_through_uncounted(
    server: Server, database_server: Postgres
) -> None:
    """Calls that are counted are told to come back; others are answered, and then all goes on as it was."""
    client = server(images_per_minute=3)
    assert draw(client, 2).status_code == 200
    with database_server.down():
        refused = draw(client)
        assert client.get("/v1/models", headers={"authorization": "Bearer k"}).status_code == 200
        assert client.get("/readyz").status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert error_of(refused)["code"] == "server_is_overloaded"
    assert [draw(client).status_code for _ in range(2)] == [200, 429]


def test_without_a_limit_no_call_needs_the_database(server: Server, database_server: Postgres) -> None:
    """Pictures are drawn as ever."""
    client = server()
    with database_server.down():
        assert draw(client).status_code == 200
