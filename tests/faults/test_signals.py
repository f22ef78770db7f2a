"""SIGTERM: what is being drawn is finished, everyone else is told when to come back, and the process ends with 0."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from limner.engines.base import Engine
from tests.faults.helpers import Served, answered, ask, served
from tests.server.helpers import events_of, until

# The engine draws when there is a file of this name, so that a test can be sure of the moment.
STANDING = """
import pathlib, time
from limner.engines.openvino import OpenVinoEngine
real = OpenVinoEngine.run_denoiser
def run_denoiser(self, *args):
    while not pathlib.Path({gate!r}).exists():
        time.sleep(0.01)
    return real(self, *args)
OpenVinoEngine.run_denoiser = run_denoiser
"""
# The system takes little of an answer off the server's hands, which gives it up after seconds, not a minute.
HASTY = """
import socket
import limner.cli.serve, limner.server.services
limner.server.services.DRAIN_SECONDS = limner.cli.serve._SEND_SECONDS = 1
real = socket.socket.listen
def listen(self, *args):
    self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    real(self, *args)
socket.socket.listen = listen
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Make this file, and the engine goes on."""
    return tmp_path / "gate"


@pytest.fixture
def server(tmp_path: Path, cache: Path, real: Engine, gate: Path) -> Iterator[Served]:
    """A server with the real engine, which stands still."""
    del real  # its networks are in the cache by now
    first = STANDING.format(gate=str(gate))
    with served(tmp_path / "data", engine="openvino", cache=cache, first=first) as server:
        yield server


def test_sigterm_under_load(server: Served, gate: Path) -> None:
    """Both pictures that run are finished; those who wait, streams too, get a 503 at once."""
    running = ask(server.address, "a red ball", n=2)
    until(lambda: server.queue() == (0, 1))
    waiting = [ask(server.address, f"boat {number}") for number in range(5)]
    stream = ask(server.address, "a cat", stream=True)
    until(lambda: server.queue() == (6, 1))
    server.process.send_signal(signal.SIGTERM)
    for sent_away in map(answered, waiting):
        assert sent_away.error == (503, "server_is_overloaded")
        assert sent_away.is_true
    [(name, event)] = events_of(answered(stream).body.decode())
    assert (name, event["error"]["code"]) == ("error", "server_is_overloaded")
    gate.touch()
    finished = answered(running)
    assert (finished.status, len(finished.json["data"])) == (200, 2)
    assert server.process.wait(100) == 0
    assert "Traceback" not in server.log.read_text()


def test_who_does_not_read_cannot_keep_the_process(tmp_path: Path) -> None:
    """An answer that nobody takes is given up in the end."""
    with served(tmp_path / "data", first=HASTY) as server:
        stalled = ask(server.address, "a boat", size="1024x1024", n=2, buffer=4096)
        with stalled.getresponse() as response:
            assert response.status == 200
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(100) == 0
        stalled.close()
