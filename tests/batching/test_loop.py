"""Continuous batching: who joins, who leaves, who fails."""

from __future__ import annotations

import logging
from queue import Queue
from threading import Event as Flag
from typing import Any

import pytest

from limner.batching.events import Event, Failed, Finished, Preview, Started
from limner.batching.jobs import Job
from limner.batching.loop import DeviceLoop, LoopConfig
from limner.engines.base import Capabilities
from limner.errors import CancelledError, EngineError, NonFiniteError, ShuttingDownError
from limner.pipeline import Pipeline
from limner.types import ImageRequest, Pixels
from tests.batching.helpers import Ear, TestEngine, alone, ask, run_dry, warm
from tests.clock import Clock


def flat_loop() -> tuple[DeviceLoop, TestEngine]:
    """A loop that steps up to eight together."""
    engine = TestEngine()
    return warm(engine), engine


def test_requests_join_and_leave_between_any_two_steps() -> None:
    """A request that comes later steps with those that run, and who is done makes no one wait."""
    loop, engine = flat_loop()
    ask(loop, "long", steps=4)
    loop.tick()
    ask(loop, "short", steps=2)
    run_dry(loop)
    assert [sorted(batch) for batch in engine.batches] == [
        ["long"],
        ["long", "short"],
        ["long", "short"],
        ["long"],
    ]


def test_a_lone_request_makes_only_its_own_steps() -> None:
    """No engine call more than the library makes."""
    loop, engine = flat_loop()
    calls = engine.calls
    _, ear = ask(loop, "alone", steps=3)
    assert run_dry(loop) == 3
    assert engine.calls - calls == 3 + len(("encode", "decode"))
    assert ear.pixels == alone(ImageRequest(prompt="alone", steps=3, seed=5))


def test_a_prompt_is_encoded_once_for_all_its_pictures_and_repeats() -> None:
    """Three pictures, twice: one call of the text encoder."""
    engine = TestEngine()
    loop = DeviceLoop(Pipeline(engine))
    for _ in range(2):
        ask(loop, n=3, steps=2)
    run_dry(loop)
    assert engine.calls - len(engine.batches) - 6 == 1


def test_a_cancelled_request_makes_no_step_more() -> None:
    """It is out of the very next step, and the others go on."""
    loop, engine = flat_loop()
    leaving, ear = ask(loop, "leaving", steps=9)
    ask(loop, "staying", steps=3)
    loop.tick()
    leaving.cancel()
    run_dry(loop)
    assert [len(batch) for batch in engine.batches] == [2, 1, 1]
    assert isinstance(ear.error, CancelledError)


def test_whoever_is_cancelled_in_the_middle_of_a_failing_step_is_not_tried_again() -> None:
    """Between two engine calls of one tick, too, a request can leave."""
    jobs: list[Job] = []

    def leave(_: int) -> float:
        jobs[0].cancel()
        return 1.0

    engine = TestEngine()
    loop = warm(engine)
    engine.seconds = leave
    jobs += [ask(loop, prompt, steps=3)[0] for prompt in ("leaving", "poison")]
    loop.tick()
    assert engine.batches == [["leaving", "poison"], ["poison"]]


@pytest.mark.parametrize(("bad", "kind"), [("poison", EngineError), ("nan", NonFiniteError)])
@pytest.mark.parametrize("place", range(5))
def test_a_picture_that_fails_fails_alone(bad: str, kind: type[EngineError], place: int) -> None:
    """Out of memory or NaN: its neighbours come out as if they had been alone."""
    loop, engine = flat_loop()
    prompts = [f"good {i}" for i in range(4)]
    prompts.insert(place, bad)
    ears = {prompt: ask(loop, prompt)[1] for prompt in prompts}
    run_dry(loop)
    assert isinstance(ears.pop(bad).error, kind)
    for prompt, ear in ears.items():
        assert ear.pixels == alone(ImageRequest(prompt=prompt, steps=4, seed=len(prompt)))
    assert len(engine.batches) <= 4 + 2 * 3


def test_a_batch_that_is_too_large_is_not_made_again() -> None:
    """Where eight run out of memory and four do not, nobody fails, and smaller batches follow."""

    class SmallMemory(TestEngine):
        def denoise(self, x_BChw: Any, *others: Any, **named: Any) -> Any:
            if len(x_BChw) > 4:
                self.batches.append(["too many"])
                raise EngineError("out of memory")
            return super().denoise(x_BChw, *others, **named)

    engine = SmallMemory()
    loop = warm(engine)
    ears = [ask(loop, f"boat {i}", steps=9)[1] for i in range(8)]
    run_dry(loop)
    assert all(ear.pixels for ear in ears)
    assert engine.batches.count(["too many"]) == 4


def test_a_foreign_exception_becomes_one_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """What nobody foresaw fails the request that met it, is logged with its trace, and ends nothing else."""

    class Odd(TestEngine):
        def decode(self, x0_BChw: Any) -> Pixels:
            if not self.fail_at:
                raise ZeroDivisionError("odd")
            return super().decode(x0_BChw)

    engine = Odd()
    loop = DeviceLoop(Pipeline(engine))
    with caplog.at_level(logging.WARNING):
        _, ear = ask(loop)
        run_dry(loop)
    assert isinstance(ear.error, EngineError)
    assert "ZeroDivisionError: odd" in str(ear.error)
    assert "Traceback" in caplog.text
    engine.fail_at = {0}
    _, ear = ask(loop)
    run_dry(loop)
    assert ear.pixels


def test_a_fault_of_the_loop_itself_answers_everyone(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for ever for a loop that cannot go on; and it can."""
    loop = DeviceLoop(Pipeline(TestEngine()), LoopConfig(batch_max=1))
    ears = [ask(loop)[1] for _ in range(3)]
    policy, loop._policy = loop._policy, None  # type: ignore[assignment]
    with caplog.at_level(logging.ERROR):
        loop.tick()
    loop.deliver()
    assert all(isinstance(ear.error, EngineError) for ear in ears)
    loop._policy = policy
    _, ear = ask(loop)
    run_dry(loop)
    assert ear.pixels


def test_previews_come_on_the_way() -> None:
    """Two of each picture, as large as the picture, the later the more like it."""
    loop, _ = flat_loop()
    ear = Ear()
    loop.submit(ImageRequest(prompt="a boat", n=2, steps=9, size=(64, 32)), previews=2, listener=ear)
    run_dry(loop)
    previews = [event for event in ear.events if isinstance(event, Preview)]
    assert sorted((each.picture, each.index) for each in previews) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert {each.pixels_HWC.shape for each in previews} == {(32, 64, 3)}


def test_a_preview_that_fails_does_not_fail_its_picture(caplog: pytest.LogCaptureFixture) -> None:
    """It is missing, which is logged; the picture comes."""
    engine, ear = TestEngine(), Ear()
    loop = DeviceLoop(Pipeline(engine))
    engine.fail_at = {len(("encode", "denoise", "denoise", "decode"))}
    with caplog.at_level(logging.ERROR):
        loop.submit(ImageRequest(prompt="a boat", steps=4), previews=1, listener=ear)
        run_dry(loop)
    assert [type(event) for event in ear.events[-2:]] == [Started, Finished]
    assert "preview" in caplog.text


def test_a_trace_is_told_in_any_company() -> None:
    """The picture's story is complete, though its neighbour failed beside it, and the bytes are the same."""
    loop, _ = flat_loop()
    ask(loop, "nan", steps=5)
    ear = Ear()
    request = ImageRequest(prompt="a boat", steps=5, seed=3)
    loop.submit(request, trace="png", listener=ear)
    run_dry(loop)
    last = ear.events[-1]
    assert isinstance(last, Finished)
    [picture] = last.pictures
    assert picture.trace is not None
    assert len(picture.trace.previews) == len(picture.trace.image_generation["steps"]) == 5
    assert ear.pixels == alone(request)


def test_what_was_not_read_is_told() -> None:
    """The end of a prompt that is too long comes with the start."""
    loop, ear = DeviceLoop(Pipeline(TestEngine())), Ear()
    loop.submit(ImageRequest(prompt=" ".join(["boat"] * 46 + ["far", "away"])), listener=ear)
    run_dry(loop)
    assert Started(unread="far away") in ear.events


def test_timings_are_told_per_picture() -> None:
    """The wait, three stages, and all of it, by the loop's clock."""
    clock = Clock()
    loop = DeviceLoop(Pipeline(TestEngine(clock, float)), LoopConfig(batch_max=1), clock)
    ask(loop, steps=4)
    _, ear = ask(loop, steps=5)
    run_dry(loop)
    last = ear.events[-1]
    assert isinstance(last, Finished)
    assert last.pictures[0].timings == {
        "waiting": 4.0,
        "text_encoding": 0.0,
        "image_generation": 5.0,
        "image_decoding": 0.0,
        "total": 9.0,
    }


def test_a_small_request_behind_eight_big_ones_takes_at_most_twice_its_time() -> None:
    """Four steps are done after at most eight, wherever the big ones stand."""
    for headstart in range(0, 30, 3):
        clock = Clock()
        loop = warm(TestEngine(clock, float))
        for _ in range(8):
            ask(loop, "big", steps=25)
        for _ in range(headstart):
            loop.tick()
        _, ear = ask(loop, "small", steps=4)
        came = clock.now
        while not ear.over:
            loop.tick()
            loop.deliver()
        assert clock.now - came <= 2 * 4


def test_a_crowd_gets_what_the_engine_can_give() -> None:
    """Where eight together take as long as two alone, a crowd of sixteen takes a quarter of the time."""
    clock = Clock()
    loop = warm(TestEngine(clock, lambda places: 1 + (places - 1) / 7))
    for _ in range(16):
        ask(loop, steps=25)
    came = clock.now
    run_dry(loop)
    assert clock.now - came <= 1.05 * 16 * 25 / 4


def test_draining_finishes_what_runs_and_sends_the_rest_away() -> None:
    """Who is being drawn gets his pictures; who waits learns when to come back."""
    loop = DeviceLoop(Pipeline(TestEngine()), LoopConfig(batch_max=1))
    (_, running), (_, waiting) = ask(loop), ask(loop)
    loop.tick()
    loop.drain(60)
    loop.deliver()
    assert running.pixels
    assert isinstance(waiting.error, ShuttingDownError)


def test_draining_has_an_end() -> None:
    """What is not done in time is sent away too."""
    clock = Clock()
    loop = DeviceLoop(Pipeline(TestEngine(clock, float)), clock=clock)
    _, ear = ask(loop, steps=50)
    came = clock.now
    loop.tick()
    loop.drain(10)
    loop.deliver()
    assert isinstance(ear.error, ShuttingDownError)
    assert clock.now == came + 1 + 10


def test_it_works_in_a_thread_of_its_own() -> None:
    """After `start`, pictures come without anyone turning the crank; `close` ends it."""
    loop = DeviceLoop(Pipeline(TestEngine()))
    loop.start()
    events: Queue[Event] = Queue()
    request = ImageRequest(prompt="a boat", seed=3)
    for _ in range(2):
        loop.submit(request, listener=events.put)
        while not isinstance(last := events.get(timeout=30), Finished):
            pass
        assert [picture.pixels_HWC.tobytes() for picture in last.pictures] == alone(request)
    loop.close()
    with pytest.raises(ShuttingDownError):
        ask(loop)


class GatedEngine(TestEngine):
    """An engine that waits in each step until it is let on."""

    def __init__(self) -> None:
        super().__init__()
        self.stepping, self.go = Flag(), Flag()

    def denoise(self, *arguments: Any, **named: Any) -> Any:
        """As the fake engine, after the gate."""
        self.stepping.set()
        assert self.go.wait(30)
        return super().denoise(*arguments, **named)


def test_nobody_waits_for_the_device() -> None:
    """While a step takes its time, requests are taken in, refused, told and cancelled at once."""
    engine = GatedEngine()
    loop = DeviceLoop(Pipeline(engine), LoopConfig(queue_size=1, batch_max=1))
    loop.start()
    ends: Queue[Event] = Queue()
    running = loop.submit(ImageRequest(prompt="a", steps=50), listener=ends.put)
    assert engine.stepping.wait(30)
    waiting = loop.submit(ImageRequest(prompt="b"), listener=ends.put)
    assert (loop.load().queued, loop.load().running) == (1, 1)
    for job in (waiting, running):
        job.cancel()
        while not isinstance(event := ends.get(timeout=30), Failed):
            pass
        assert isinstance(event.error, CancelledError)
    engine.go.set()
    loop.close()
    assert len(engine.batches) == 1


def test_closing_answers_everyone() -> None:
    """Whoever waits or runs when it closes is sent away, after at most one step."""
    engine = GatedEngine()
    loop = DeviceLoop(Pipeline(engine), LoopConfig(batch_max=1))
    ears = [ask(loop, steps=50)[1] for _ in range(3)]
    loop.start()
    assert engine.stepping.wait(30)
    engine.go.set()
    loop.close()
    assert all(isinstance(ear.error, ShuttingDownError) for ear in ears)


def test_an_engine_that_never_returns_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """Closing has an end, everyone has an answer, and the log says what was left behind."""
    engine = GatedEngine()
    loop = DeviceLoop(Pipeline(engine))
    _, ear = ask(loop)
    loop.start()
    assert engine.stepping.wait(30)
    loop.close(0)
    assert isinstance(ear.error, ShuttingDownError)
    assert "given up" in caplog.text
    assert loop._thread is not None
    assert loop._thread.daemon
    engine.go.set()
    loop._thread.join()


def test_an_engine_without_guidance_by_default_takes_one_place() -> None:
    """What a request costs is planned from the engine's own defaults."""
    engine = TestEngine()
    able: Capabilities = engine.capabilities
    job, _ = ask(DeviceLoop(Pipeline(engine)))
    assert job.places == (1 if able.default_guidance == 1 else 2)


def test_only_pictures_of_one_shape_step_together() -> None:
    """A wide request has the device by turns with the squares beside it, and each step is known by its shape."""
    engine = TestEngine()
    loop, ears = warm(engine), [Ear() for _ in range(4)]
    for ear, size in zip(ears, [None, (24, 16), (16, 16), (36, 24)], strict=True):
        request = ImageRequest(prompt=f"{size}", size=size, steps=2)
        loop.submit(request, listener=ear)
    run_dry(loop)
    assert all(ear.pixels for ear in ears)
    assert {frozenset(batch) for batch in engine.batches} <= {
        frozenset(part)
        for shape in (("None", "(16, 16)"), ("(24, 16)", "(36, 24)"))
        for part in (shape, shape[:1], shape[1:])
    }
    assert max(map(len, engine.batches)) == 2
    assert loop._times._tables.keys() == {(3, 8, 8), (3, 8, 12)}


def test_who_waits_for_a_loop_to_be_idle_is_told() -> None:
    """Once the last of its work is done, and not before."""
    loop = DeviceLoop(Pipeline(TestEngine()))
    told: list[int] = []
    loop.when_idle = lambda: told.append(1)
    jobs = [ask(loop)[0] for _ in range(2)]
    jobs[0].cancel()
    assert told == []
    run_dry(loop)
    assert told == [1]
