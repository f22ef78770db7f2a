"""`bench.peers.server`: the usual server, around any pipeline."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from starlette.testclient import TestClient

from bench.peers.networks import Size
from bench.peers.server import PEERS, application, missing
from bench.servers import order, picture_of, pixels_of


class Painter:
    """A pipeline that paints its seed, and remembers how many it was asked for at a time."""

    size = Size(parameters=3, gflop=0.5)

    def __init__(self) -> None:
        self.most = 0
        self._inside = 0

    def __call__(self, prompt: str, seed: int, steps: int) -> Image.Image:
        """One colour."""
        del prompt, steps
        self._inside += 1
        self.most = max(self.most, self._inside)
        time.sleep(0.01)
        self._inside -= 1
        return Image.new("RGB", (4, 4), (seed, 0, 0))


def test_it_answers_as_limner_does() -> None:
    """The same order brings a picture in base64, so that one client can ask both."""
    client = TestClient(application(Painter()))
    body = client.post("/v1/images/generations", json=order("a boat", 7, steps=12)).content
    assert pixels_of(picture_of(body))[0, 0].tolist() == [7, 0, 0]
    assert client.get("/about").json() == {"parameters": 3, "gflop": 0.5}


def test_it_draws_one_after_another() -> None:
    """One pipeline, one lock."""
    painter = Painter()
    client = TestClient(application(painter))
    with ThreadPoolExecutor(4) as pool:
        calls = [order("a boat", seed, steps=1) for seed in range(4)]
        answers = list(pool.map(lambda call: client.post("/v1/images/generations", json=call), calls))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert painter.most == 1


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its package, so that it can be installed."""
    monkeypatch.setitem(PEERS, "nobody", ("nobody", "Nobody", ("json", "no_such_package")))
    assert missing("nobody") == ["no_such_package"]
