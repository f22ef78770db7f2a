"""Servers that share a database: limits, use and batches, and what clients see while it does not answer."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from limner.cli import app
from limner.engines.fake import FakeEngine
from limner.errors import SettingsError
from limner.server.batches import desk
from tests.postgres import Postgres
from tests.server.batches.helpers import answers, call, created, ended
from tests.server.helpers import Serve, error_of, until

Server: TypeAlias = Callable[..., TestClient]


@pytest.fixture
def url(database_server: Postgres) -> str:
    """The URL of an empty database."""
    return database_server.fresh()


@pytest.fixture
def server(serve: Serve, url: str) -> Iterator[Server]:
    """Starts one more server on the same database, each with a data folder of its own; settings as for `Settings`."""
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


def test_what_a_key_had_drawn_adds_up(server: Server, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls, streams and refusals on two servers, the last of which leaves; `limner keys usage` tells."""
    key = f"key-{sha256(b'k').hexdigest()[:12]}"
    here, there = server(), server()
    draw(here, 2)
    body = {"prompt": "a red boat", "model": "gpt-image-2", "size": "32x32", "stream": True}
    there.post("/v1/images/generations", json=body, headers={"authorization": "Bearer k"})
    assert draw(there, 99).status_code == 400
    monkeypatch.setenv("LIMNER_DATABASE_URL", url)

    def usage() -> Any:
        return json.loads(CliRunner().invoke(app, ["keys", "usage", "--json"]).stdout)["usage"]

    until(lambda: sum(day["requests"] for day in usage()) == 2)
    assert {day["key"] for day in usage()} == {key}
    assert [sum(day[what] for day in usage()) for what in ("pictures", "pixels")] == [3, 2 * 256**2 + 32**2]
    told = CliRunner().invoke(app, ["keys", "usage"]).stdout
    assert re.search(
        rf"^20\d\d-\d\d-\d\d  {key}  \d requests  \d pictures  0\.1 megapixels$", told, re.MULTILINE
    )


def test_a_server_that_leaves_has_counted_all(serve: Serve, url: str, database_server: Postgres) -> None:
    """What it drew in its last second, too."""
    with serve(database_url=url) as client:
        draw(client)
    assert database_server.run(url, "SELECT key, pictures FROM use") == [("anonymous", 1)]


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers look for batches all the time."""
    monkeypatch.setattr(desk, "_LOOK_SECONDS", 0.05)


def test_batches_are_known_to_all_servers(
    serve: Serve, url: str, tmp_path: Path, database_server: Postgres, looking: None
) -> None:
    """One takes a batch in and draws it; another tells how far it is, hands the files out, and had it counted."""
    del looking
    here, there = (serve(database_url=url, data_dir=tmp_path) for _ in range(2))
    with here, there:
        batch = created(here, *(call(str(i)) for i in range(8)))
        assert there.get("/v1/batches").json()["first_id"] == batch["id"]
        batch = ended(there, batch)
        assert batch["request_counts"] == {"total": 8, "completed": 8, "failed": 0}
        assert set(answers(there, batch)) == set("01234567")
    assert database_server.run(url, "SELECT sum(pictures) FROM use") == [(8,)]
    assert list(tmp_path.glob("lines/*/*")) == []


def test_any_server_cancels_a_batch(
    serve: Serve, url: str, tmp_path: Path, looking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that draws it hears of it."""
    del looking
    gate = Event()
    real = FakeEngine.denoise

    def patient(*args: Any) -> Any:
        assert gate.wait(30)
        return real(*args)

    monkeypatch.setattr(FakeEngine, "denoise", patient)
    here, there = (serve(database_url=url, data_dir=tmp_path, batch_max=2) for _ in range(2))
    with here, there:
        batch = created(here, *(call(str(i)) for i in range(8)))
        assert there.post(f"/v1/batches/{batch['id']}/cancel").json()["status"] == "cancelling"
        until(lambda: here.get(f"/v1/batches/{batch['id']}").json()["status"] == "cancelling")
        gate.set()
        batch = ended(there, batch)
        drawn, left = answers(there, batch), answers(there, batch, "error")
    assert batch["status"] == "cancelled"
    assert (len(drawn) <= 2, len(drawn) + len(left)) == (True, 8)


def test_through_a_restart_of_the_database_a_batch_goes_on(
    serve: Serve, url: str, tmp_path: Path, database_server: Postgres, looking: None
) -> None:
    """Each line is answered once."""
    del looking
    with serve(database_url=url, data_dir=tmp_path) as client:
        batch = created(client, *(call(str(i), size="1024x1024") for i in range(16)))

        def completed() -> int:
            count: int = client.get(f"/v1/batches/{batch['id']}").json()["request_counts"]["completed"]
            return count

        until(lambda: completed() > 1)
        with database_server.down():
            assert client.get(f"/v1/batches/{batch['id']}").status_code == 503
        batch = ended(client, batch)
        assert set(answers(client, batch)) == {str(i) for i in range(16)}
    assert batch["request_counts"] == {"total": 16, "completed": 16, "failed": 0}


def test_without_the_packages_the_start_says_what_to_install(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come with the extra for clusters."""
    monkeypatch.setitem(sys.modules, "limner.storage.database.connection", None)
    client = serve(database_url="postgresql://somewhere/limner")
    with pytest.raises(SettingsError, match=r"pip install 'limner\[cluster\]'"), client:
        pass
