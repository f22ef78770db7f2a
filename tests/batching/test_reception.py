"""How requests come in, wait, and are answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from limner.batching.events import Queued
from limner.batching.loop import DeviceLoop, LoopConfig
from limner.batching.reception import Reception
from limner.engines.fake import FakeEngine
from limner.errors import (
    CancelledError,
    DeadlineError,
    InvalidRequestError,
    QueueFullError,
    SettingsError,
    ShuttingDownError,
)
from limner.pipeline import Pipeline
from limner.types import ImageRequest
from tests.batching.helpers import Ear, TestEngine, ask, run_dry
from tests.clock import Clock

BOAT = ImageRequest(prompt="a boat")


def loop_of(clock: Clock, **config: Any) -> DeviceLoop:
    """A loop whose steps take a second per place."""
    return DeviceLoop(Pipeline(TestEngine(clock, float)), LoopConfig(**config), clock)


def test_a_full_queue_refuses_before_anything_is_done() -> None:
    """The one too many gets an error with the time after which to come back; the others stay."""
    clock = Clock()
    loop = loop_of(clock, queue_size=2)
    ask(loop)
    run_dry(loop)
    for _ in range(2):
        ask(loop, steps=10)
    with pytest.raises(QueueFullError, match="try again in 10 s") as caught:
        ask(loop)
    assert caught.value.retry_after == pytest.approx(10.0)
    assert loop.load().queued == 2


def test_a_cancelled_request_makes_room_at_once() -> None:
    """Whoever leaves the queue leaves his place to another."""
    loop = loop_of(Clock(), queue_size=1)
    job, ear = ask(loop)
    job.cancel()
    loop.deliver()
    assert isinstance(ear.error, CancelledError)
    ask(loop)


def test_whoever_waits_hears_his_place_and_how_long() -> None:
    """Places are told when they change: the third in line moves up as the first leaves."""
    clock = Clock()
    loop = loop_of(clock)
    ask(loop, steps=4)
    run_dry(loop)
    first, _ = ask(loop, steps=10)
    ask(loop, steps=10)
    _, ear = ask(loop, steps=10)
    first.cancel()
    loop.deliver()
    told = [(event.position, round(event.eta)) for event in ear.events if isinstance(event, Queued)]
    assert told == [(3, 30), (2, 20)]


def test_the_load_is_told() -> None:
    """Who waits, who runs, and the seconds that all of it should take."""
    loop = loop_of(Clock(), batch_max=1)
    for _ in range(3):
        ask(loop, steps=10)
    loop.tick()
    load = loop.load()
    assert (load.queued, load.running) == (2, 1)
    assert load.estimated_wait == pytest.approx(29.0)


def test_a_deadline_ends_what_waits_and_what_runs() -> None:
    """When the time is over both are given up, before the next step."""
    clock = Clock()
    loop = loop_of(clock, batch_max=1, request_timeout=5.0)
    (_, running), (_, waiting) = ask(loop, steps=50), ask(loop, steps=50)
    for _ in range(5):
        loop.tick()
    assert loop.load().running == 1
    assert not loop.tick()
    loop.deliver()
    assert running.started
    assert not waiting.started
    for ear in (running, waiting):
        assert isinstance(ear.error, DeadlineError)
        assert "within 5 s" in str(ear.error)


def test_a_request_may_have_a_deadline_of_its_own() -> None:
    """It counts in place of the loop's."""
    clock, ear = Clock(), Ear()
    loop = loop_of(clock)
    loop.submit(replace(BOAT, steps=50), deadline=2.0, listener=ear)
    run_dry(loop)
    assert isinstance(ear.error, DeadlineError)


def test_cancelling_twice_or_too_late_does_no_harm() -> None:
    """The pictures are there, or the error is; never both, never twice."""
    loop = loop_of(Clock())
    job, ear = ask(loop)
    run_dry(loop)
    job.cancel()
    job.cancel()
    loop.deliver()
    assert len(ear.pixels) == 1


def test_what_is_over_keeps_no_memory() -> None:
    """A job that ended, in whatever way, holds no canvases."""
    loop = loop_of(Clock())
    (done, _), (failed, _), (cancelled, _) = ask(loop), ask(loop, "nan"), ask(loop, steps=99)
    for _ in range(3):
        loop.tick()
    cancelled.cancel()
    run_dry(loop)
    assert [job.canvases for job in (done, failed, cancelled)] == [(), (), ()]
    assert (loop.load().queued, loop.load().running) == (0, 0)


@pytest.mark.parametrize("previews", [-1, 4])
def test_more_previews_than_there_can_be_are_refused(previews: int) -> None:
    """From 0 to 3."""
    with pytest.raises(InvalidRequestError, match="previews must be from 0 to 3"):
        loop_of(Clock()).submit(BOAT, previews=previews, listener=Ear())


def test_nothing_is_taken_in_while_it_closes() -> None:
    """Retry after the time that is left to finish what runs."""
    clock = Clock()
    loop = loop_of(clock)
    loop.drain(30)
    clock.now += 10
    with pytest.raises(ShuttingDownError) as caught:
        ask(loop)
    assert caught.value.retry_after == pytest.approx(20.0)


@pytest.mark.parametrize(
    "wrong",
    [{"queue_size": 0}, {"batch_max": 0}, {"request_timeout": 0.0}, {"request_timeout": float("nan")}],
)
def test_a_config_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    """The error names the field."""
    with pytest.raises(SettingsError) as caught:
        LoopConfig(**wrong)
    assert caught.value.param == next(iter(wrong))


def test_a_reception_works_without_a_device() -> None:
    """Taking in, telling places and cancelling need no engine."""
    reception, ear = Reception(FakeEngine().capabilities), Ear()
    job = reception.submit(BOAT, listener=ear)
    assert reception.load().queued == 1
    job.cancel()
    assert reception.load().queued == 0
