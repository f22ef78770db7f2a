"""Two hundred at once before a queue for thirty-two: everyone gets a true answer, and nobody waits in vain."""

from __future__ import annotations

from collections import Counter

import uvicorn

from tests.faults.helpers import WatchedEngine, address_of, answered, ask, get, services_of
from tests.server.helpers import until

PROMPTS = ("a boat", "a red ball", "two cats", "a tree")


def test_two_hundred_connections(server: uvicorn.Server, engine: WatchedEngine) -> None:
    """One is drawn, 32 wait, 167 are told when to come back; all are open together while the engine stands still."""
    engine.stands_at = ("denoise", 1)
    address = address_of(server)
    first = ask(address, PROMPTS[0])
    until(engine.standing.is_set)
    others = [ask(address, PROMPTS[number % 4]) for number in range(1, 200)]
    count = services_of(server).registry.get_sample_value
    until(lambda: count("limner_refused_requests_total", {"reason": "queue_full"}) == 167)
    assert get(address, "/healthz").status == 200
    engine.go_on.set()
    answers = [answered(connection) for connection in (first, *others)]
    assert all(answer.is_true for answer in answers)
    assert Counter(answer.status for answer in answers) == {200: 33, 429: 167}
    expected = [engine.expected(prompt) for prompt in PROMPTS]
    for number, answer in enumerate(answers):
        assert answer.status == 429 or answer.pixels == expected[number % 4]
    assert answered(ask(address, "a dog")).is_true
    assert get(address, "/queue").json == {"queued": 0, "running": 0, "estimated_wait": 0}
