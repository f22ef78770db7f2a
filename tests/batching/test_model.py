"""Random crowds against a model of what must hold: nothing lost, nothing twice, nobody starves, nothing kept."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import dataclass

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from limner.batching.base import Loop
from limner.batching.events import Failed, Finished
from limner.batching.jobs import Job
from limner.batching.loop import DeviceLoop, LoopConfig
from limner.batching.plain import PlainLoop
from limner.batching.queue import OLDEST_EVERY
from limner.errors import CancelledError, DeadlineError, EngineError, QueueFullError
from limner.pipeline import Pipeline
from limner.types import ImageRequest
from tests.batching.helpers import Ear, TestEngine, alone, warm
from tests.clock import Clock

QUEUE_SIZE, BATCH_MAX = 5, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What someone submits."""

    request: ImageRequest
    key: str
    priority: int
    previews: int
    deadline: float | None


wishes = st.builds(
    Wish,
    request=st.builds(
        ImageRequest,
        prompt=st.sampled_from(["a boat", "two cats", "a ball", "a tree", "a dog", "poison", "nan"]),
        n=st.integers(1, 3),
        seed=st.integers(0, 3),
        steps=st.sampled_from([1, 3, 12, 40]),
        guidance=st.sampled_from([1.0, 3.0]),
        size=st.sampled_from([None, None, (24, 16)]),
        sampler=st.sampled_from(["euler", "dpmpp_2m"]),
    ),
    key=st.sampled_from(["", "a", "b"]),
    priority=st.sampled_from([0, 0, 0, 1]),
    previews=st.integers(0, 3),
    deadline=st.sampled_from([None, None, None, 40.0]),
)


@dataclass(kw_only=True, slots=True, eq=False)
class Asked:
    """A request that was taken in, and what became of it so far."""

    job: Job
    ear: Ear
    cancelled: bool = False
    ticks_without: int = 0


class Crowd(RuleBasedStateMachine):
    """Requests come, are cancelled, fail and run out of time, while the loop is driven by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.asked: list[Asked] = []
        self.broke = False
        logging.disable(logging.ERROR)

    @initialize(
        kind=st.sampled_from(["new", "warm", "plain"]),
        price=st.sampled_from([(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)]),
        crowd=st.lists(wishes, min_size=3, max_size=9),
    )
    def open(self, kind: str, price: tuple[float, float], crowd: list[Wish]) -> None:
        """A loop that has yet to learn, one that has, or the plain one; company is free, dear, or between."""
        self.engine = TestEngine(self.clock, lambda places: price[0] + price[1] * places)
        config = LoopConfig(queue_size=QUEUE_SIZE, batch_max=BATCH_MAX, request_timeout=10_000.0)
        self.loop: Loop = warm(self.engine, config)
        if kind != "warm":
            loop = DeviceLoop if kind == "new" else PlainLoop
            self.loop = loop(Pipeline(self.engine), config, self.clock)
        self.ask(crowd)

    @rule(crowd=st.lists(wishes, min_size=1, max_size=8))
    def ask(self, crowd: list[Wish]) -> None:
        """A request is taken in, or refused exactly when the queue is full."""
        for wish in crowd:
            ear, full = Ear(), self.loop.load().queued == QUEUE_SIZE
            with pytest.raises(QueueFullError) if full else nullcontext():
                job = self.loop.submit(
                    wish.request,
                    key=wish.key,
                    priority=wish.priority,
                    previews=wish.previews,
                    deadline=wish.deadline,
                    listener=ear,
                )
                self.asked.append(Asked(job=job, ear=ear))

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Anyone may be cancelled at any time, also when it is too late."""
        one = data.draw(st.sampled_from(self.asked))
        one.cancelled = one.cancelled or not one.job.over
        one.job.cancel()

    @rule(ticks=st.integers(1, 20))
    def work(self, ticks: int) -> None:
        """Time goes by."""
        for _ in range(ticks):
            self.tick()

    def tick(self) -> bool:
        """The oldest that runs makes a step at least every fourth tick."""
        before = {one: one.job.work for one in self.asked if one.job.canvases}
        oldest = min(before, key=lambda one: one.job.order, default=None)
        worked = self.loop.tick()
        for one, work in before.items():
            still = one is oldest and not one.job.over and one.job.work == work
            one.ticks_without = one.ticks_without + 1 if still else 0
            assert one.ticks_without < OLDEST_EVERY
        return worked

    @rule(seconds=st.sampled_from([-1000.0, 3.0, 60.0]))
    def jump(self, seconds: float) -> None:
        """The clock jumps, back too."""
        self.clock.now += seconds

    @rule(calls=st.integers(1, 30))
    def break_engine(self, calls: int) -> None:
        """The engine fails at one of its next calls."""
        self.broke = True
        self.engine.fail_at.add(self.engine.calls + calls)

    @rule()
    def deliver(self) -> None:
        """The listeners hear what there is, each a life in order."""
        self.loop.deliver()
        assert all(one.ear.in_order for one in self.asked)

    @invariant()
    def nothing_is_lost(self) -> None:
        """Whoever is not over waits or runs, and the bounds are kept."""
        if not hasattr(self, "loop"):
            return
        load = self.loop.load()
        assert load.queued + load.running == sum(not one.job.over for one in self.asked)
        assert load.queued <= QUEUE_SIZE
        assert load.running <= 2 * BATCH_MAX + BATCH_MAX
        assert all(len(batch) <= BATCH_MAX for batch in self.engine.batches)
        assert all(one.job.canvases == () for one in self.asked if one.job.over)

    def teardown(self) -> None:
        """In the end all are answered, truly, after as many ticks as there is work at most."""
        if hasattr(self, "loop"):
            most = sum(one.job.request.n * 40 for one in self.asked) + len(self.asked)
            assert any(not self.tick() for _ in range(most + 1))
            self.loop.deliver()
            assert (self.loop.load().queued, self.loop.load().running) == (0, 0)
            for one in self.asked:
                self.check(one)
        logging.disable(logging.NOTSET)

    def check(self, one: Asked) -> None:
        """One outcome each, with a reason, and pictures are those that the library draws."""
        assert one.ear.in_order
        request, last = one.job.request, one.ear.events[-1]
        if isinstance(last, Finished):
            assert not one.cancelled
            assert request.prompt not in ("poison", "nan")
            assert one.ear.pixels == alone(request)
            return
        assert isinstance(last, Failed)
        if isinstance(last.error, CancelledError):
            assert one.cancelled
        elif isinstance(last.error, EngineError):
            assert self.broke or request.prompt in ("poison", "nan")
        else:
            assert isinstance(last.error, DeadlineError)


Crowd.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None, derandomize=True)
TestCrowd = Crowd.TestCase
