"""What becomes of work whose client leaves, or whose time is over, on a real server.

The engine stands still until it is told to go on, so nothing here depends on time.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from limner.engines.base import Inpaint
from limner.engines.fake import FakeEngine
from limner.errors import EngineError
from limner.pipeline import Pipeline
from limner.server.app import create_app
from limner.server.services import Services
from limner.settings import Settings
from limner.types import Floats
from tests.server.helpers import living, until

BODY = {"model": "gpt-image-2", "prompt": "a boat", "size": "16x16"}


class StandingEngine(FakeEngine):
    """Does not denoise until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.fault: Exception | None = None
        self.steps = 0

    def denoise(
        self, x_BChw: Floats, t_B: Floats, features: Any, guidance_B: Floats, inpaint: Inpaint | None = None
    ) -> Floats:
        """Count the step, wait, and go on."""
        self.steps += 1
        self.asked.set()
        self.go_on.wait(60)
        if self.fault is not None:
            raise self.fault
        return super().denoise(x_BChw, t_B, features, guidance_B, inpaint)


@pytest.fixture
def engine() -> StandingEngine:
    """An engine that stands."""
    return StandingEngine()


@pytest.fixture
def server(engine: StandingEngine, tmp_path: Path) -> Iterator[uvicorn.Server]:
    """A real server that draws with it, where one request may wait, and ten pictures be had in a minute."""
    settings = Settings(engine="fake", data_dir=tmp_path, queue_size=1, images_per_minute=10)
    application = create_app(settings, Pipeline(engine))
    with living(application) as server:
        yield server
        engine.go_on.set()


@contextmanager
def asking(server: uvicorn.Server, **more: Any) -> Iterator[socket.socket]:
    """A connection over which a picture was asked for."""
    body = json.dumps(BODY | more).encode()
    head = (
        "POST /v1/images/generations HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(server.servers[0].sockets[0].getsockname()[:2]) as connection:
        connection.sendall(head.encode() + body)
        yield connection


def services(server: uvicorn.Server) -> Services:
    """What the server works with."""
    found: Services = server.config.app.state.services  # type: ignore[union-attr]
    return found


def outcomes(server: uvicorn.Server, outcome: str) -> float:
    """How many requests have ended so, by the server's own metrics."""
    registry = services(server).registry
    return registry.get_sample_value("limner_requests_total", {"outcome": outcome}) or 0


@pytest.mark.parametrize("stream", [False, True])
def test_who_hangs_up_stops_the_drawing(
    server: uvicorn.Server, engine: StandingEngine, *, stream: bool
) -> None:
    """Within the step that is being made; no other is made."""
    with asking(server, stream=stream):
        until(engine.asked.is_set)
    until(lambda: outcomes(server, "cancelled") == 1)
    engine.go_on.set()
    until(lambda: services(server).loop.load().running == 0)
    assert engine.steps == 1


def test_who_waits_in_the_queue_may_hang_up(server: uvicorn.Server, engine: StandingEngine) -> None:
    """The one that is drawn gets its picture."""
    with asking(server) as first:
        until(engine.asked.is_set)
        with asking(server):
            until(lambda: services(server).loop.load().queued == 1)
        until(lambda: outcomes(server, "cancelled") == 1)
        engine.go_on.set()
        assert first.recv(15) == b"HTTP/1.1 200 OK"


def test_what_finds_the_queue_full_does_not_count(server: uvicorn.Server, engine: StandingEngine) -> None:
    """The client is told to come back, and when it does, it may still have its pictures."""
    with asking(server):
        until(engine.asked.is_set)
        with asking(server):
            until(lambda: services(server).loop.load().queued == 1)
            with asking(server, n=8) as third, third.makefile("rb") as file:
                text = file.read()
            assert text.startswith(b"HTTP/1.1 429")
            assert b"slow_down" in text
            assert services(server).limiter.take("127.0.0.1", 8).allowed


def test_a_stream_that_fails_ends_in_an_error_event(server: uvicorn.Server, engine: StandingEngine) -> None:
    """Nested under `error`, after a status of 200, and without a word of the inside."""
    engine.fault = EngineError("secret")
    engine.go_on.set()
    with asking(server, stream=True) as connection, connection.makefile("rb") as file:
        text = file.read()
    assert text.startswith(b"HTTP/1.1 200 OK")
    told = json.loads(text.partition(b"event: error\ndata: ")[2].partition(b"\n")[0])
    assert told["type"] == "error"
    assert told["error"]["code"] == "image_generation_failed"
    assert b"secret" not in text


def test_a_picture_that_fails_is_a_500(server: uvicorn.Server, engine: StandingEngine) -> None:
    """In the envelope; the log has the cause."""
    engine.fault = EngineError("secret")
    engine.go_on.set()
    with asking(server) as connection, connection.makefile("rb") as file:
        text = file.read()
    assert text.startswith(b"HTTP/1.1 500")
    assert b"image_generation_failed" in text
    assert b"secret" not in text
