"""The engine raises, whichever call it is: that picture fails with a true error, and no other does."""

from __future__ import annotations

from typing import Any

import pytest
import uvicorn

from limner.errors import EngineError
from tests.faults.helpers import WatchedEngine, address_of, answered, ask, outcomes, services_of
from tests.server.helpers import ICON, data_url, decoded, events_of, until

CALLS = [
    ("encode", 1, EngineError),
    ("denoise", 1, MemoryError),
    ("denoise", 2, EngineError),
    ("decode", 1, EngineError),
    ("decode", 1, MemoryError),
    ("encode_image", 1, EngineError),
]


def fields(call: str) -> dict[str, Any]:
    """What a request needs besides a prompt to make this call."""
    if call != "encode_image":
        return {}
    return {"path": "/v1/images/edits", "images": [{"image_url": data_url(ICON)}]}


@pytest.mark.parametrize(("call", "number", "fault"), CALLS)
def test_one_call_fails(
    server: uvicorn.Server, engine: WatchedEngine, call: str, number: int, fault: type[Exception]
) -> None:
    """Who asked is told so, and nothing of the inside; the one behind him and the next get their very pictures."""
    engine.stands_at = engine.fails_at = (call, number)
    engine.fault = fault("a secret")
    loser = ask(address_of(server), "a red ball", **fields(call))
    until(engine.standing.is_set)
    neighbour = ask(address_of(server), "a boat")
    until(lambda: services_of(server).loop.load().queued == 1)
    engine.go_on.set()
    told = answered(loser)
    assert told.error == (500, "image_generation_failed")
    assert b"secret" not in told.body
    assert answered(neighbour).pixels == engine.expected("a boat")
    assert answered(ask(address_of(server), "a red ball")).pixels == engine.expected("a red ball")
    assert (outcomes(server, "failed"), outcomes(server, "finished")) == (1, 2)


def test_a_preview_that_fails_costs_only_itself(server: uvicorn.Server, engine: WatchedEngine) -> None:
    """The stream goes on without it and ends in the very picture."""
    engine.fails_at, engine.fault = ("decode", 1), EngineError("a secret")
    told = answered(ask(address_of(server), "a red ball", stream=True, partial_images=1))
    [(name, event)] = events_of(told.body.decode())
    assert name == "image_generation.completed"
    assert decoded(event).tobytes() == engine.expected("a red ball")
