"""What the tests of faults share: an engine to stop and to break, clients that may leave, a server to kill."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import uvicorn

from limner.batching.jobs import Canvas, Job
from limner.diffusion.rendering import Rendering
from limner.engines.base import Engine, Inpaint
from limner.imaging.picture import Picture
from limner.pipeline import Pipeline
from limner.server.drawing.job import Drawing
from limner.server.services import Services
from limner.types import Floats, Pixels, TextFeatures
from tests.server.helpers import decoded, until

__all__ = [
    "LINK",
    "Answer",
    "Served",
    "WatchedEngine",
    "address_of",
    "answered",
    "ask",
    "get",
    "outcomes",
    "remains",
    "served",
    "services_of",
]

BODY = {"model": "gpt-image-2", "size": "256x256", "steps": 2, "seed": 1}
"""A picture of the model's own size in two steps; whoever asks adds the prompt."""

LINK: Mapping[str, Any] = {"model": "dall-e-2", "response_format": "url"}
"""Behind a link."""

_PATIENCE = 100.0


class WatchedEngine(Engine):
    """Another engine, with all its calls counted; at one of them it stands still, and at one it fails.

    Args:
        inner: who computes.

    Attributes:
        calls: the names of the calls so far.
        prompts: of every step of every picture.
        stands_at: the call that waits until `go_on` is set, as its name and number, from 1.
        fails_at: the call that raises `fault`.
        standing: it waits, or has waited.
    """

    def __init__(self, inner: Engine) -> None:
        self.capabilities = inner.capabilities
        self.calls: list[str] = []
        self.prompts: list[str] = []
        self.stands_at = self.fails_at = ("", 0)
        self.fault: Exception | None = None
        self.standing = threading.Event()
        self.go_on = threading.Event()
        self._inner = inner

    def _called(self, name: str) -> None:
        self.calls.append(name)
        call = (name, self.calls.count(name))
        if call == self.stands_at:
            self.standing.set()
            self.go_on.wait(_PATIENCE)
        if call == self.fails_at and self.fault is not None:
            raise self.fault

    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """As the inner engine, watched."""
        self._called("encode")
        return self._inner.encode(prompts)

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """As the inner engine, watched."""
        self.prompts += [feature.prompt for feature in features]
        self._called("denoise")
        return self._inner.denoise(x_BChw, t_B, features, guidance_B, inpaint)

    def attend(self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures]) -> Floats:
        """As the inner engine, watched."""
        self._called("attend")
        return self._inner.attend(x_BChw, t_B, features)

    def decode(self, x0_BChw: Floats) -> Pixels:
        """As the inner engine, watched."""
        self._called("decode")
        return self._inner.decode(x0_BChw)

    def upscale(self, pixels_BHWC: Pixels) -> Pixels:
        """As the inner engine, watched."""
        self._called("upscale")
        return self._inner.upscale(pixels_BHWC)

    def encode_image(self, pixels_BHWC: Pixels) -> Floats:
        """As the inner engine, watched."""
        self._called("encode_image")
        return self._inner.encode_image(pixels_BHWC)

    def embed_image(self, pixels_BHWC: Pixels) -> Floats:
        """As the inner engine, watched."""
        self._called("embed_image")
        return self._inner.embed_image(pixels_BHWC)

    def expected(self, prompt: str) -> bytes:
        """The pixels of the picture that the library draws, without any server."""
        return _drawn(self._inner, prompt)


@cache
def _drawn(engine: Engine, prompt: str) -> bytes:
    [picture] = Pipeline(engine).generate(prompt, steps=2, seed=1)
    return picture.pixels_HWC.tobytes()


def services_of(server: uvicorn.Server) -> Services:
    """What a server in this process works with."""
    found: Services = server.config.app.state.services  # type: ignore[union-attr]
    return found


def outcomes(server: uvicorn.Server, outcome: str) -> float:
    """How many requests have ended so, by the server's own metrics."""
    registry = services_of(server).registry
    return registry.get_sample_value("limner_requests_total", {"outcome": outcome}) or 0


def remains() -> int:
    """How much there is in memory of requests, without waiting for the collector of cycles."""
    kinds = (Job, Canvas, Rendering, Picture, Drawing)
    return sum(type(item) in kinds for item in gc.get_objects())


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def pixels(self) -> bytes:
        """Those of the only picture."""
        [item] = self.json["data"]
        return decoded(item).tobytes()

    @property
    def error(self) -> tuple[int, str | None]:
        """Status and code; it must be an envelope."""
        return self.status, self.json["error"]["code"]

    @property
    def is_true(self) -> bool:
        """A picture, or when to come back for it."""
        if self.status == 200:
            return len(self.pixels) == 3 * 256 * 256
        return self.status in (429, 503) and 1 <= int(self.headers["retry-after"]) <= 60


def address_of(server: uvicorn.Server) -> str:
    """Host and port of a server in this process."""
    return f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


def ask(
    address: str,
    prompt: str,
    *,
    path: str = "/v1/images/generations",
    headers: dict[str, str] | None = None,
    buffer: int | None = None,
    **more: Any,
) -> HTTPConnection:
    """Ask for a picture, and do not wait for it; to close the connection is to hang up.

    Args:
        address: host and port.
        prompt: what the picture is to show.
        path: of the route.
        headers: further headers.
        buffer: bytes that the system takes in before they are read; None leaves that to it.
        more: further fields.
    """
    connection = HTTPConnection(address, timeout=_PATIENCE)
    if buffer is not None:
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.sock.connect((connection.host, connection.port))
    kind = {"content-type": "application/json", "connection": "close"}
    connection.request("POST", path, json.dumps(BODY | {"prompt": prompt} | more), kind | (headers or {}))
    return connection


def answered(connection: HTTPConnection) -> Answer:
    """The whole answer that comes over a connection, which is closed."""
    with connection.getresponse() as response:
        headers = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(status=response.status, headers=headers, body=response.read())
    connection.close()
    return answer


def get(address: str, path: str) -> Answer:
    """What a path leads to; a link may have its address before it."""
    connection = HTTPConnection(address, timeout=_PATIENCE)
    connection.request("GET", path.removeprefix(f"http://{address}"))
    return answered(connection)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """`limner serve` in a process of its own.

    Attributes:
        process: it.
        address: host and port.
        log: the file that its stderr goes to.
    """

    process: subprocess.Popen[str]
    address: str
    log: Path

    def kill(self) -> None:
        """`kill -9`: no farewell, nothing written to the end."""
        self.process.kill()
        assert self.process.wait(_PATIENCE) == -signal.SIGKILL

    def queue(self) -> tuple[int, int]:
        """How many wait, and how many are drawn."""
        told = get(self.address, "/queue").json
        return told["queued"], told["running"]


# A shell that starts something in the background tells it to ignore Ctrl-C.
_HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"


@contextmanager
def served(
    folder: Path, *, engine: str = "fake", cache: Path | None = None, first: str = ""
) -> Iterator[Served]:
    """A server that is ready, with its data in `folder`; it is killed in the end if it still lives.

    Args:
        folder: where it keeps its data.
        engine: who draws.
        cache: where compiled networks are.
        first: Python code that runs in its process before anything else.
    """
    code = f"{_HEED}\n{first}\nfrom limner.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "serve",
        "--engine",
        engine,
        "--port",
        "0",
        "--data-dir",
        str(folder),
    ]
    environ = os.environ | {"LIMNER_THREADS": "1", "LIMNER_CACHE_DIR": str(cache or folder / "cache")}
    log = folder.with_suffix(".log")
    with (
        log.open("a") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environ) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
            assert found is not None, log.read_text()
            until(lambda: get(found[0], "/readyz").status == 200)
            yield Served(process=process, address=found[0], log=log)
        finally:
            process.kill()
