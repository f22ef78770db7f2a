"""`limner.server.http.ranges`: which conditions and ranges of a request are heeded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from limner.server.errors import ApiError
from limner.server.http.ranges import stored_file
from limner.storage.disk import StoredFile


@pytest.fixture
def stored(tmp_path: Path) -> StoredFile:
    """A file of ten bytes."""
    path = tmp_path / "f.png"
    path.write_bytes(b"0123456789")
    return StoredFile(path=path, size=10, media_type="image/png", etag='"abc"')


def fetch(stored: StoredFile, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a request."""
    sent: list[dict[str, Any]] = []
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "headers": given, "extensions": {}}

    async def receive() -> dict[str, Any]:
        await anyio.sleep_forever()
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    async def whole() -> None:
        await stored_file(Request(scope), stored)(scope, receive, send)

    anyio.run(whole)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message["body"] for message in sent[1:])


def test_the_whole_file_comes_with_its_tag(stored: StoredFile) -> None:
    """Type, length and the store's own tag; HEAD tells the same without the body."""
    status, headers, body = fetch(stored)
    assert (status, body) == (200, b"0123456789")
    assert (headers["content-type"], headers["content-length"], headers["etag"]) == (
        "image/png",
        "10",
        '"abc"',
    )
    assert fetch(stored, "HEAD") == (200, headers, b"")


@pytest.mark.parametrize(
    ("asked", "part", "told"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=0-99", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_a_single_range_is_served(stored: StoredFile, asked: str, part: bytes, told: str) -> None:
    """From both ends."""
    status, headers, body = fetch(stored, range=asked)
    assert (status, body, headers["content-range"]) == (206, part, told)


@pytest.mark.parametrize("asked", ["bytes=4-2", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", "bytes=-", ""])
def test_other_ranges_are_passed_over(stored: StoredFile, asked: str) -> None:
    """As the standard allows: the whole file is no wrong answer."""
    assert fetch(stored, range=asked)[0] == 200


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_beyond_the_end_is_a_416(stored: StoredFile, asked: str) -> None:
    """With the file's size."""
    with pytest.raises(ApiError) as caught:
        fetch(stored, range=asked)
    assert (caught.value.status, caught.value.headers["content-range"]) == (416, "bytes */10")


@pytest.mark.parametrize("tags", ['"abc"', 'W/"abc"', '"x", "abc"', "*"])
def test_who_has_it_gets_nothing(stored: StoredFile, tags: str) -> None:
    """A 304 without a body."""
    status, headers, body = fetch(stored, if_none_match=tags)
    assert (status, body, headers["etag"]) == (304, b"", '"abc"')


def test_who_has_another_gets_it(stored: StoredFile) -> None:
    """Another tag changes nothing."""
    assert fetch(stored, if_none_match='"x"')[0] == 200
