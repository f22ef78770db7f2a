"""A server that is killed while it draws a batch: another goes on, and each line is answered once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from openai import OpenAI
from openai.types import Batch

from tests.faults.helpers import served
from tests.postgres import Postgres
from tests.s3 import Bucket
from tests.server.helpers import until

LINES = 24
URL: Literal["/v1/images/generations"] = "/v1/images/generations"


@contextmanager
def working(folder: Path) -> Iterator[tuple[OpenAI, Callable[[], None]]]:
    """A client of a server that keeps its data in the folder, and how to kill that."""
    with (
        served(folder) as server,
        OpenAI(base_url=f"http://{server.address}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client, server.kill


def begun(client: OpenAI) -> Batch:
    """A batch of many lines, one of which is refused."""
    body: dict[str, Any] = {"model": "gpt-image-1", "size": "512x512"}
    calls = [
        {"custom_id": str(i), "method": "POST", "url": URL, "body": body | {"prompt": f"{i}", "seed": i}}
        for i in range(LINES)
    ]
    calls[1]["body"] = {"prompt": ""}
    data = "".join(f"{json.dumps(call)}\n" for call in calls).encode()
    source = client.files.create(file=("calls.jsonl", data), purpose="batch")
    return client.batches.create(input_file_id=source.id, endpoint=URL, completion_window="24h")


def done(client: OpenAI, batch: Batch) -> int:
    """Lines that are answered."""
    counts = client.batches.retrieve(batch.id).request_counts
    assert counts is not None
    return counts.completed


def ids(client: OpenAI, file_id: str | None) -> list[str]:
    """Whose answers are in a file."""
    assert file_id is not None
    return [json.loads(line)["custom_id"] for line in client.files.content(file_id).text.splitlines()]


def test_kill_9_in_the_middle_of_a_batch(tmp_path: Path) -> None:
    """The next server on the same folder goes on by itself, and every line is in one of the files, once."""
    folder = tmp_path / "data"
    folder.mkdir()
    with working(folder) as (client, kill):
        batch = begun(client)
        until(lambda: done(client, batch) >= 3)
        kill()
    with working(folder) as (client, _):
        until(lambda: client.batches.retrieve(batch.id).status == "completed")
        batch = client.batches.retrieve(batch.id)
        answered, failed = ids(client, batch.output_file_id), ids(client, batch.error_file_id)
    assert failed == ["1"]
    assert sorted(answered + failed, key=int) == [str(i) for i in range(LINES)]
    assert list(folder.glob("batches/*/*.jsonl")) == []


def test_another_server_goes_on_when_one_is_killed(
    tmp_path: Path, s3: Bucket, database_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share database and object storage, and no folder; to the one that lives, all is known."""
    url = database_server.fresh()
    shared = {"LIMNER_DATABASE_URL": url, "LIMNER_STORAGE_URL": f"{s3.url}/{tmp_path.name}"}
    for name, value in {**s3.environ, **shared}.items():
        monkeypatch.setenv(name, value)
    for name in "ab":
        (tmp_path / name).mkdir()
    with working(tmp_path / "a") as (client, kill), working(tmp_path / "b") as (other, _):
        batch = begun(client)
        until(lambda: done(other, batch) >= 3)
        kill()
        # As if half a minute had passed.
        database_server.run(url, "UPDATE batches SET held_until = now()")
        until(lambda: other.batches.retrieve(batch.id).status == "completed")
        batch = other.batches.retrieve(batch.id)
        answered, failed = ids(other, batch.output_file_id), ids(other, batch.error_file_id)
    assert failed == ["1"]
    assert sorted(answered + failed, key=int) == [str(i) for i in range(LINES)]
    assert database_server.run(url, "SELECT count(*) FROM answers") == [(0,)]
