"""No room on the disk, and a process that is killed while it writes: a file is whole, or it is not there.

The pictures come from the instant engine: nothing here is an engine's doing.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from limner.errors import StorageFullError
from limner.imaging.reader import read_pixels
from limner.server.access.keys import KeyFile
from limner.storage.disk import DiskStore
from limner.storage.signing import signing_key
from limner.storage.uploads import UploadStore
from tests.fatal import fatal
from tests.faults.helpers import LINK, Answer, Served, answered, ask, get, served
from tests.server.helpers import until

# One signal takes the room, another gives it back. A file that grows beyond the limit is cut off in the middle of
# a write, as on a disk that is full.
LIMITED = """
import resource
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
def limit(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, most))
    print("limited", flush=True)
def free(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    print("free", flush=True)
signal.signal(signal.SIGUSR1, limit)
signal.signal(signal.SIGUSR2, free)
"""


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Served]:
    """A server that has run out of room."""
    with served(tmp_path / "data", first=LIMITED) as server:
        told(server, signal.SIGUSR1, "limited")
        yield server


def told(server: Served, number: signal.Signals, answer: str) -> None:
    """Send the server a signal, and wait until it has heeded it."""
    server.process.send_signal(number)
    assert server.process.stdout is not None
    assert server.process.stdout.readline() == f"{answer}\n"


def upload(address: str, data: bytes) -> Answer:
    """Send a file."""
    parts = {'name="purpose"': b"vision", 'name="file"; filename="a.png"': data}
    body = b"".join(
        b"--x\r\ncontent-disposition: form-data; %b\r\n\r\n%b\r\n" % (name.encode(), value)
        for name, value in parts.items()
    )
    connection = HTTPConnection(address, timeout=100)
    connection.request(
        "POST", "/v1/files", body + b"--x--\r\n", {"content-type": "multipart/form-data; boundary=x"}
    )
    return answered(connection)


def files(folder: Path) -> list[str]:
    """All files below a folder but the key."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != "signing.key")


def test_a_link_without_room_is_refused(limited: Served, tmp_path: Path) -> None:
    """With a time to come back, nothing left of it, and the picture itself still to be had; then there is room."""
    no = answered(ask(limited.address, "a boat", **LINK))
    assert no.error == (503, "server_is_overloaded")
    assert "no room" in no.json["error"]["message"]
    assert int(no.headers["retry-after"]) >= 1
    assert files(tmp_path / "data" / "images") == []
    assert answered(ask(limited.address, "a boat")).status == 200
    told(limited, signal.SIGUSR2, "free")
    [item] = answered(ask(limited.address, "a boat", **LINK)).json["data"]
    assert read_pixels(get(limited.address, item["url"]).body).shape == (256, 256, 3)


def test_an_upload_without_room_is_refused(limited: Served, tmp_path: Path) -> None:
    """In the same way; what is small still fits."""
    no = upload(limited.address, bytes(30_000))
    assert no.error == (503, "server_is_overloaded")
    assert files(tmp_path / "data" / "files") == []
    assert upload(limited.address, bytes(10_000)).status == 200
    assert get(limited.address, "/v1/files").json["data"][0]["bytes"] == 10_000


def test_an_upload_without_room_for_its_facts_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that nobody could ever find would only take more of the room."""
    synced: list[int] = []

    def fsync(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 3:  # of the bytes, of their folder, of the facts
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageFullError, match="the disk is full"):
        UploadStore(tmp_path).add(bytes(1000), owner="a", filename="a", purpose="vision")
    assert files(tmp_path) == []


# Says what it has promised before it is killed.
WRITER = fatal(
    ("open", "fsync", "replace", "link", "unlink", "mkdir"),
    """
import sys
folder = sys.argv[1]
from limner.storage.disk import DiskStore
from limner.storage.signing import signing_key
from limner.storage.uploads import UploadStore
key = signing_key(folder + "/images")
print("key", key.hex(), flush=True)
store = DiskStore(folder + "/images", key)
print("link", store.url_path(store.put(bytes(100_000), "png", "image/png")), flush=True)
uploads = UploadStore(folder + "/files")
print("upload", uploads.add(bytes(100_000), owner="a", filename="a", purpose="vision").id, flush=True)
""",
)


def killed_at(call: int, folder: Path) -> tuple[bool, dict[str, str]]:
    """Write into a folder and die at a call: whether it came to that, and what was promised before."""
    command = [sys.executable, "-c", WRITER, str(call), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0, dict(line.split() for line in done.stdout.splitlines())


def test_kill_9_at_every_call_that_writes(tmp_path: Path) -> None:
    """Promises are kept by the next process with the same folder, and whatever it finds is whole."""
    call, killed = 0, True
    while killed:
        call += 1
        folder = tmp_path / str(call)
        folder.mkdir()
        killed, promised = killed_at(call, folder)
        check_store(folder, promised)
        check_uploads(folder, promised)
    assert call > 10


def check_store(folder: Path, promised: dict[str, str]) -> None:
    """The key is the one that was told, the link works, and no picture is there in part."""
    key = signing_key(folder / "images")
    assert key.hex() == promised.get("key", key.hex())
    store = DiskStore(folder / "images", key)
    if "link" in promised:
        name, _, signature = promised["link"].rpartition("/")[2].partition("?signature=")
        assert store.open(name, {"signature": signature}).path.read_bytes() == bytes(100_000)
    for path in (folder / "images").glob("img_*"):
        assert path.read_bytes() == bytes(100_000)


def check_uploads(folder: Path, promised: dict[str, str]) -> None:
    """The upload is listed if it was promised, and whole if it is listed."""
    uploads = UploadStore(folder / "files")
    listed = [upload.id for upload in uploads.page(owner="a").uploads]
    assert {promised[name] for name in ("upload",) if name in promised} <= set(listed)
    for upload_id in listed:
        assert uploads.content(upload_id, owner="a").path.read_bytes() == bytes(100_000)


class Crowd:
    """Clients that ask for links until the server is gone, and keep what they got."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        self.links: list[str] = []
        self._address = address
        self._headers = headers
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        try:
            while True:
                answer = answered(ask(self._address, "a boat", headers=self._headers, **LINK))
                parts = urlsplit(answer.json["data"][0]["url"])
                self.links.append(f"{parts.path}?{parts.query}")
        except (OSError, HTTPException):
            return

    def join(self) -> list[str]:
        """The links, when all clients have noticed that nobody answers."""
        for thread in self._threads:
            thread.join()
        return self.links


def test_kill_9_under_load(tmp_path: Path) -> None:
    """The next server on the same folder keeps every link that was handed out, the API key, and no part of a file."""
    folder = tmp_path / "data"
    folder.mkdir()
    _, key = KeyFile(folder / "keys.json").new("me")
    headers = {"authorization": f"Bearer {key}"}
    images = folder / "images"
    with served(folder) as server:
        crowd = Crowd(server.address, headers)
        until(lambda: len(crowd.links) >= 5 and any(name.endswith(".tmp") for name in files(images)))
        server.kill()
        links = crowd.join()
    with served(folder) as server:
        for link in links:
            assert read_pixels(get(server.address, link).body).shape == (256, 256, 3)
        for path in images.glob("img_*"):
            assert read_pixels(path.read_bytes()).shape == (256, 256, 3)
        for path in images.glob(".*.tmp"):
            assert get(server.address, f"/files/images/{path.name}").status == 404
        assert answered(ask(server.address, "a boat", headers=headers)).status == 200
        assert answered(ask(server.address, "a boat")).status == 401
