"""The engine fails at one call, whichever it is: everyone gets a true answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from limner.batching.base import Loop
from limner.batching.events import Failed
from limner.batching.loop import DeviceLoop
from limner.batching.plain import PlainLoop
from limner.errors import EngineError
from limner.pipeline import Pipeline
from limner.types import ImageRequest
from tests.batching.helpers import Ear, TestEngine, alone, run_dry

REQUESTS = (
    ImageRequest(prompt="a boat", steps=4, n=2, seed=1),
    ImageRequest(prompt="a cat", steps=2, guidance=3.0, seed=2),
    ImageRequest(prompt="a dog", steps=3, sampler="dpmpp_2m", seed=3),
)


def played(kind: Callable[[Pipeline], Loop], fail_at: set[int]) -> tuple[TestEngine, Loop, list[Ear]]:
    """All requests, one a tick, with an engine that fails at these calls."""
    engine = TestEngine()
    engine.fail_at = fail_at
    loop = kind(Pipeline(engine))
    ears = [Ear() for _ in REQUESTS]
    for request, ear in zip(REQUESTS, ears, strict=True):
        loop.submit(request, previews=1, listener=ear)
        loop.tick()
    run_dry(loop)
    return engine, loop, ears


@pytest.mark.parametrize("kind", [DeviceLoop, PlainLoop])
def test_one_failing_call_costs_at_most_one_request(kind: Callable[[Pipeline], Loop]) -> None:
    """For every call there is: all are answered, at most one with the error, the rest with their very pictures."""
    expected = [alone(request) for request in REQUESTS]
    calls = played(kind, set())[0].calls
    for number in range(1, calls + 1):
        _, loop, ears = played(kind, {number})
        failed = [ear for ear in ears if isinstance(ear.events[-1], Failed)]
        assert len(failed) <= 1
        assert all(isinstance(ear.error, EngineError) for ear in failed)
        for ear, pixels in zip(ears, expected, strict=True):
            assert ear in failed or ear.pixels == pixels
        assert (loop.load().queued, loop.load().running) == (0, 0)


def test_an_engine_that_always_fails_answers_everyone() -> None:
    """Each request gets the error, and the loop comes to rest."""
    _, loop, ears = played(DeviceLoop, set(range(1, 1000)))
    assert all(isinstance(ear.error, EngineError) for ear in ears)
    assert (loop.load().queued, loop.load().running) == (0, 0)
