"""A client that leaves, whenever it is: its work ends within a step, nothing of it stays, others do not notice.

The engine is the real one; it stands still where a test has to be sure of the moment.
"""

from __future__ import annotations

import socket

import pytest
import uvicorn

from tests.faults.helpers import WatchedEngine, address_of, answered, ask, outcomes, remains, services_of
from tests.server.helpers import ICON, data_url, until


def at_rest(server: uvicorn.Server) -> bool:
    """No request is left anywhere in the server."""
    load = services_of(server).loop.load()
    return (load.queued, load.running) == (0, 0) and not server.server_state.tasks


@pytest.mark.parametrize(("call", "number", "steps"), [("encode", 1, 0), ("denoise", 3, 3), ("decode", 1, 4)])
@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_while_the_engine_works(
    server: uvicorn.Server, engine: WatchedEngine, call: str, number: int, steps: int, *, stream: bool
) -> None:
    """The call that is being made is the last; who waited behind it gets the very picture that the library draws."""
    before = remains()
    engine.stands_at = (call, number)
    leaver = ask(address_of(server), "a red ball", steps=4, stream=stream)
    until(engine.standing.is_set)
    neighbour = ask(address_of(server), "a boat")
    until(lambda: services_of(server).loop.load().queued == 1)
    leaver.close()
    until(lambda: outcomes(server, "cancelled") == 1)
    engine.go_on.set()
    assert answered(neighbour).pixels == engine.expected("a boat")
    assert engine.prompts.count("a red ball") == steps
    until(lambda: at_rest(server) and remains() <= before)


def test_who_leaves_while_his_picture_is_read_in(server: uvicorn.Server, engine: WatchedEngine) -> None:
    """An edit whose source is being encoded: no step is made."""
    engine.stands_at = ("encode_image", 1)
    images = [{"image_url": data_url(ICON)}]
    leaver = ask(address_of(server), "a red ball", path="/v1/images/edits", images=images)
    until(engine.standing.is_set)
    leaver.close()
    until(lambda: outcomes(server, "cancelled") == 1)
    engine.go_on.set()
    until(lambda: at_rest(server))
    assert engine.prompts == []


def test_who_leaves_the_queue(server: uvicorn.Server, engine: WatchedEngine) -> None:
    """Nothing of it is ever begun, and who is being drawn gets his picture."""
    before = remains()
    engine.stands_at = ("denoise", 1)
    neighbour = ask(address_of(server), "a boat")
    until(engine.standing.is_set)
    leavers = [ask(address_of(server), "a red ball", stream=stream) for stream in (False, True)]
    until(lambda: services_of(server).loop.load().queued == 2)
    for leaver in leavers:
        leaver.close()
    until(lambda: outcomes(server, "cancelled") == 2)
    engine.go_on.set()
    assert answered(neighbour).pixels == engine.expected("a boat")
    until(lambda: at_rest(server) and remains() <= before)
    assert set(engine.prompts) == {"a boat"}
    assert engine.calls.count("encode") == 1


def test_who_leaves_in_the_middle_of_a_stream(server: uvicorn.Server, engine: WatchedEngine) -> None:
    """After the first preview was read; the step that is being made then is the last."""
    before = remains()
    engine.stands_at = ("denoise", 2)
    leaver = ask(address_of(server), "a red ball", steps=4, stream=True, partial_images=3)
    with leaver.getresponse() as response:
        while b"partial_image" not in response.readline():
            pass
        until(engine.standing.is_set)
    leaver.close()
    until(lambda: outcomes(server, "cancelled") == 1)
    engine.go_on.set()
    until(lambda: at_rest(server) and remains() <= before)
    assert len(engine.prompts) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_while_the_answer_is_sent(
    server: uvicorn.Server, engine: WatchedEngine, *, stream: bool
) -> None:
    """An answer larger than all buffers on its way, of which the beginning was read."""
    before = remains()
    listening = server.servers[0].sockets[0]
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    leaver = ask(address_of(server), "a red ball", size="512x512", stream=stream, buffer=4096)
    with leaver.getresponse() as response:
        assert response.status == 200
        assert len(response.read(100)) == 100
        assert server.server_state.tasks
    leaver.close()
    until(lambda: at_rest(server) and remains() <= before)
    assert answered(ask(address_of(server), "a boat")).pixels == engine.expected("a boat")
