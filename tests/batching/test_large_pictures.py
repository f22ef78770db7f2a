"""Large pictures are enlarged on the device's thread, piece by piece, and nobody waits for all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limner.batching.base import Loop
from limner.batching.events import Preview
from limner.batching.jobs import Job
from limner.batching.loop import DeviceLoop
from limner.batching.plain import PlainLoop
from limner.errors import CancelledError, EngineError
from limner.pipeline import Pipeline
from limner.types import ImageRequest, Pixels
from tests.batching.helpers import Ear, TestEngine, alone, ask, run_dry, warm

LARGE = ImageRequest(prompt="large", steps=1, seed=1, size=(32, 32))


class EnlargingEngine(TestEngine):
    """Makes each pixel four; its pictures are of 8 x 8, so that 32 x 32 take two pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities = replace(self.capabilities, upscales=True)
        self.enlarged = 0

    def upscale(self, pixels_BHWC: Pixels) -> Pixels:
        """The same picture in larger pixels."""
        self._called()
        self.enlarged += 1
        return pixels_BHWC.repeat(2, 1).repeat(2, 2)


def submit(loop: Loop, request: ImageRequest = LARGE, previews: int = 0) -> tuple[Job, Ear]:
    """Submit a request; the job, and who hears of it."""
    ear = Ear()
    return loop.submit(request, previews=previews, listener=ear), ear


@pytest.mark.parametrize("kind", [DeviceLoop, PlainLoop])
def test_a_large_picture_is_what_the_library_makes(kind: type[Loop]) -> None:
    """To the bit, whichever loop draws it."""
    loop = kind(Pipeline(EnlargingEngine()))
    _, ear = submit(loop, replace(LARGE, n=3, steps=2))
    run_dry(loop)
    assert ear.pixels == alone(replace(LARGE, n=3, steps=2), EnlargingEngine())


def test_others_step_between_two_pieces() -> None:
    """While one large picture is enlarged, another request goes on."""
    engine = EnlargingEngine()
    loop = warm(engine)
    _, ear = submit(loop)
    ask(loop, "other", steps=3)
    loop.tick()
    assert (engine.enlarged, len(engine.batches)) == (1, 1)
    loop.tick()
    loop.deliver()
    assert (engine.enlarged, engine.batches[1]) == (2, ["other"])
    assert ear.over
    run_dry(loop)


def test_who_leaves_between_two_pieces_costs_no_more() -> None:
    """A cancelled picture is not enlarged to its end."""
    engine = EnlargingEngine()
    loop = warm(engine)
    job, ear = submit(loop)
    loop.tick()
    job.cancel()
    run_dry(loop)
    assert engine.enlarged == 1
    assert isinstance(ear.error, CancelledError)


def test_a_piece_that_fails_fails_its_own_job() -> None:
    """The others are drawn to their end."""
    engine = EnlargingEngine()
    loop = warm(engine)
    _, ear = submit(loop)
    _, other = ask(loop, "other", steps=3)
    loop.tick()
    engine.fail_at = {engine.calls + 2}
    run_dry(loop)
    assert isinstance(ear.error, EngineError)
    assert other.pixels


def test_previews_are_resampled() -> None:
    """They have the final size, and the upscaler works for the finished picture only."""
    engine = EnlargingEngine()
    loop = warm(engine)
    _, ear = submit(loop, replace(LARGE, steps=4), previews=1)
    run_dry(loop)
    [preview] = [event for event in ear.events if isinstance(event, Preview)]
    assert preview.pixels_HWC.shape == (32, 32, 3)
    assert engine.enlarged == 2
