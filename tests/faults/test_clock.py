"""The clock on the wall jumps: drawing goes by another one, and links by what their names say."""

from __future__ import annotations

import time

import pytest
import uvicorn

from tests.clock import Clock
from tests.faults.helpers import LINK, WatchedEngine, address_of, answered, ask, get, services_of
from tests.server.helpers import until

DAY = 24 * 3600.0


@pytest.fixture
def wall(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock on the wall, for the whole process."""
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    services_of(server).store._clock = services_of(server).uploads._clock = clock
    return clock


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_jump_while_pictures_are_drawn(
    server: uvicorn.Server, engine: WatchedEngine, wall: Clock, jump: float
) -> None:
    """Nobody's time is over, whether he is drawn or waits, and a link that is made then works."""
    engine.stands_at = ("denoise", 1)
    asked = [ask(address_of(server), "a boat")]
    until(engine.standing.is_set)
    asked += [ask(address_of(server), "a boat"), ask(address_of(server), "a boat", **LINK)]
    until(lambda: services_of(server).loop.load().queued == 2)
    wall.now += jump
    engine.go_on.set()
    first, second, link = map(answered, asked)
    assert first.pixels == second.pixels == engine.expected("a boat")
    assert get(address_of(server), link.json["data"][0]["url"]).status == 200


def test_links_when_the_clock_jumps(server: uvicorn.Server, wall: Clock) -> None:
    """Ahead, they expire and are swept, and new ones work; back, all that are left work longer."""
    store = services_of(server).store

    def linked() -> str:
        url: str = answered(ask(address_of(server), "a boat", **LINK)).json["data"][0]["url"]
        return url

    def status(url: str) -> int:
        return get(address_of(server), url).status

    old = linked()
    wall.now += DAY
    new = linked()
    assert (status(old), status(new)) == (403, 200)
    assert (store.sweep(), store.sweep()) == (1, 0)
    wall.now -= 2 * DAY
    assert (status(old), status(new), status(linked())) == (404, 200, 200)
    assert store.sweep() == 0


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_the_loops_own_clock_may_jump(server: uvicorn.Server, engine: WatchedEngine, jump: float) -> None:
    """Ahead, time is over for all that are there, who are told; back, all are drawn; then it goes on as before."""
    clock, loop = Clock(), services_of(server).loop
    loop._clock = loop._device._clock = clock
    engine.stands_at = ("denoise", 1)
    asked = [ask(address_of(server), "a boat")]
    until(engine.standing.is_set)
    asked.append(ask(address_of(server), "a boat"))
    until(lambda: loop.load().queued == 1)
    clock.now += jump
    engine.go_on.set()
    for answer in map(answered, asked):
        assert answer.status == 200 if jump < 0 else answer.error == (504, "request_timeout")
    assert answered(ask(address_of(server), "a boat")).pixels == engine.expected("a boat")
    assert loop.load().estimated_wait >= 0
