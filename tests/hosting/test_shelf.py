"""Models come when they are asked for, and go when others need their room.

No thread works here unless a test starts one: the keeper's steps are made by hand, and its clock stands still.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event
from typing import Any

import pytest

from limner.batching.metrics import Metrics
from limner.batching.reception import LoopConfig
from limner.engines.fake import FakeEngine
from limner.errors import DoesNotFitError, ModelError, QueueFullError, ShuttingDownError
from limner.hosting.config import ShelfConfig
from limner.hosting.estimate import Estimate
from limner.hosting.places import Offer
from limner.hosting.shelf import Shelf
from limner.pipeline import Pipeline
from limner.types import ImageRequest
from tests.clock import Clock

MB = 1_000_000


class StandingEngine(FakeEngine):
    """Does not encode until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = Event()

    def encode(self, prompts: Any) -> Any:
        """Wait, and go on."""
        self.go_on.wait(60)
        return super().encode(prompts)


class House:
    """A shelf of fake models of 40 MB each, of which two fit.

    Attributes:
        opened: the names of those that were loaded, in order.
        engines: who computes, where it is not the fake engine.
        sizes: what they take, where it is not that.
        shelf: the same.
        clock: the shelf's.
        metrics: what it counts.
    """

    def __init__(self, *names: str, pinned: tuple[str, ...] = (), **more: Any) -> None:
        self.opened: list[str] = []
        self.clock = Clock()
        self.metrics = Metrics()
        self.engines: dict[str, Callable[[], FakeEngine]] = {}
        self.sizes: dict[str, Estimate] = {}
        offers = [self._offer(name, name in pinned) for name in names]
        chosen: dict[str, Any] = {"limit": 100 * MB, "loop": LoopConfig(queue_size=2)} | more
        self.shelf = Shelf(offers, ShelfConfig(**chosen), self.metrics, self.clock)

    def _offer(self, name: str, pinned: bool) -> Offer:  # noqa: FBT001
        def opened() -> Pipeline:
            self.opened.append(name)
            return Pipeline(self.engines.get(name, FakeEngine)())

        def weigh(*, fetch: bool) -> Estimate:
            del fetch
            return self.sizes.get(name, Estimate(weights=30 * MB, activations=10 * MB))

        return Offer(name=name, open=opened, weigh=weigh, pinned=pinned)

    def use(self, name: str) -> None:
        """Have a model loaded, and let go of it a second later."""
        with self.shelf.wanted(name) as wish:
            self.shelf.tick()
            wish.result(0)
            self.clock.now += 1

    def loaded(self) -> set[str]:
        """The names of those that are there."""
        return {name for name in self.shelf._places if self.shelf.status(name).state == "loaded"}

    def count(self, sample: str, **labels: str) -> float:
        """A sample's value."""
        return self.metrics.registry.get_sample_value(sample, labels) or 0


@pytest.fixture
def build() -> Iterator[Callable[..., House]]:
    """Builds houses, and closes them."""
    houses: list[House] = []

    def start(*names: str, **more: Any) -> House:
        houses.append(House(*names, **more))
        return houses[-1]

    yield start
    for house in houses:
        house.shelf.close()


Build = Callable[..., House]


def test_a_model_is_loaded_when_it_is_first_asked_for(build: Build) -> None:
    """Once, and not before."""
    house = build("a", "b")
    assert (house.opened, house.shelf.status("a").state) == ([], "not loaded")
    assert (house.shelf.status("a").size, house.shelf.status("a").able) == (40 * MB, None)
    house.use("a")
    house.use("a")
    assert (house.opened, house.loaded()) == (["a"], {"a"})
    assert house.shelf.able("a") is not None
    assert house.count("limner_model_loads_total", model="a", outcome="loaded") == 1


def test_each_model_draws_by_itself(build: Build) -> None:
    """With a loop of its own; what they have to do is told together."""
    house = build("a", "b")
    house.engines["a"] = house.engines["b"] = StandingEngine
    with ExitStack() as held:
        models = []
        for name in ("a", "b"):
            wish = held.enter_context(house.shelf.wanted(name))
            house.shelf.tick()
            models.append(wish.result(0))
        for model in models:
            model.loop.submit(ImageRequest(prompt="a boat", seed=1), listener=lambda _: None)
        load = house.shelf.load()
        assert load.queued + load.running == 2
        for model in models:
            model.pipeline.engine.go_on.set()  # type: ignore[attr-defined]


def test_the_least_recently_used_makes_room(build: Build) -> None:
    """For a third one where two fit; and nothing of it is kept."""
    house = build("a", "b", "c")
    house.use("a")
    with house.shelf.wanted("a") as wish:
        pipeline = weakref.ref(wish.result(0).pipeline)
    del wish
    house.use("b")
    house.use("a")
    house.use("c")
    assert house.loaded() == {"a", "c"}
    house.use("b")
    assert house.loaded() == {"b", "c"}
    gc.collect()
    assert pipeline() is None
    assert house.count("limner_model_unloads_total", model="a", reason="room") == 1
    assert house.count("limner_model_bytes", model="a") == 0
    assert house.count("limner_model_bytes", model="b") == 40 * MB


def test_what_was_unloaded_comes_back(build: Build) -> None:
    """And what it can do is known meanwhile."""
    house = build("a", "b", limit=50 * MB)
    house.use("a")
    house.use("b")
    assert (house.loaded(), house.shelf.able("a")) == ({"b"}, house.shelf.able("b"))
    house.use("a")
    assert house.opened == ["a", "b", "a"]


def test_a_pinned_model_stays(build: Build) -> None:
    """Though it was used least recently."""
    house = build("a", "b", "c", pinned=("a",))
    for name in ("a", "b", "c"):
        house.use(name)
    assert house.loaded() == {"a", "c"}


def test_a_model_that_is_held_stays_and_others_wait(build: Build) -> None:
    """Until it is let go of."""
    house = build("a", "b", limit=50 * MB)
    with house.shelf.wanted("b") as wish, house.shelf.wanted("a") as other:
        assert house.shelf.tick()  # b came first
        assert not house.shelf.tick()
        assert (wish.done(), other.done(), house.loaded()) == (True, False, {"b"})
    with house.shelf.wanted("a") as other:
        assert house.shelf.tick()
        assert (other.done(), house.loaded()) == (True, {"a"})


def test_a_model_that_draws_stays_and_others_wait(build: Build) -> None:
    """Though nobody holds it: until its last picture is done."""
    house = build("a", "b", limit=50 * MB)
    house.engines["a"] = StandingEngine
    idle = Event()
    with house.shelf.wanted("a") as wish:
        house.shelf.tick()
        model = wish.result(0)
        model.loop.when_idle = idle.set
        model.loop.submit(ImageRequest(prompt="a boat", seed=1), listener=lambda _: None)
    with house.shelf.wanted("b") as wish:
        assert not house.shelf.tick()
        model.pipeline.engine.go_on.set()  # type: ignore[attr-defined]
        assert idle.wait(60)
        assert house.shelf.tick()
        assert house.loaded() == {"b"}


def test_who_has_room_is_not_kept_waiting_by_who_has_none(build: Build) -> None:
    """A wish that must wait is passed by the next one that need not."""
    house = build("a", "b", "c", limit=50 * MB)
    house.sizes["c"] = Estimate(weights=5 * MB, activations=0)
    with house.shelf.wanted("a"):
        house.shelf.tick()
        with house.shelf.wanted("b") as waiting, house.shelf.wanted("c") as small:
            assert house.shelf.tick()
            assert (waiting.done(), small.done()) == (False, True)


def test_what_does_not_fit_is_refused_with_numbers_and_a_remedy(build: Build) -> None:
    """Before anything of it is loaded; and nobody leaves for it."""
    house = build("a", "b", limit=50 * MB)
    house.sizes["b"] = Estimate(weights=80 * MB, activations=10 * MB, side=512)
    house.use("a")
    with house.shelf.wanted("b") as wish:
        house.shelf.tick()
        with pytest.raises(
            DoesNotFitError, match=r"b needs about 90\.0 MB.*80\.0 MB.*512.*50\.0 MB.*MEMORY_LIMIT"
        ) as met:
            wish.result(0)
    assert (met.value.needed, met.value.room) == (90 * MB, 50 * MB)
    assert (house.opened, house.loaded()) == (["a"], {"a"})
    assert house.count("limner_model_loads_total", model="b", outcome="failed") == 1


def test_what_fits_only_without_a_pinned_model_is_refused(build: Build) -> None:
    """For that one never leaves; the message says how much it takes."""
    house = build("a", "b", pinned=("a",), limit=50 * MB)
    house.use("a")
    with house.shelf.wanted("b") as wish:
        house.shelf.tick()
        with pytest.raises(DoesNotFitError, match=r"40\.0 MB of it for pinned models"):
            wish.result(0)


def test_without_a_limit_four_fifths_of_what_is_free_count(build: Build) -> None:
    """Where nobody knows what is free, there is no limit."""
    house = build("a", "b", limit=0, free=lambda _: 60 * MB)
    house.use("a")
    house.use("b")
    assert house.loaded() == {"b"}
    house = build("a", "b", limit=0, free=lambda _: 49 * MB)
    with pytest.raises(DoesNotFitError):
        house.use("a")
    house = build("a", "b", limit=0, free=lambda _: None)
    house.use("a")
    house.use("b")
    assert house.loaded() == {"a", "b"}


def test_what_nobody_uses_is_unloaded(build: Build) -> None:
    """After so many seconds, counted from the last use; not if it is held."""
    house = build("a", "b", idle_seconds=60)
    house.use("a")
    house.use("b")
    house.clock.now += 58
    house.use("b")
    with house.shelf.wanted("b"):
        house.clock.now += 100
        house.shelf.tick()
        assert house.loaded() == {"b"}
    assert house.count("limner_model_unloads_total", model="a", reason="idle") == 1
    house.clock.now += 59
    house.shelf.tick()
    assert house.loaded() == {"b"}
    house.clock.now += 1
    house.shelf.tick()
    assert house.loaded() == set()


def test_a_pipeline_that_was_handed_in_stays(build: Build) -> None:
    """It could not be loaded again as it is."""
    house = build("a", "b", idle_seconds=60)
    house.shelf.adopt("a", Pipeline(FakeEngine()))
    house.clock.now += 100
    house.shelf.tick()
    assert (house.loaded(), house.shelf.status("a").pinned, house.opened) == ({"a"}, True, [])


def test_a_model_that_cannot_be_loaded_is_told_and_tried_again(build: Build) -> None:
    """To all who wait for it, and to nobody else; the next one has another try."""
    house = build("a")

    def broken() -> FakeEngine:
        raise ModelError("damaged")

    house.engines["a"] = broken
    with house.shelf.wanted("a") as first, house.shelf.wanted("a") as second:
        house.shelf.tick()
        for wish in (first, second):
            with pytest.raises(ModelError, match="damaged"):
                wish.result(0)
    house.engines["a"] = FakeEngine
    house.use("a")
    assert house.loaded() == {"a"}


def test_only_so_many_wait_for_a_model(build: Build) -> None:
    """More are told to come back, unless they are patient; once it is there, nobody counts."""
    house = build("a")
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(house.shelf.wanted("a"))
        with pytest.raises(QueueFullError):
            held.enter_context(house.shelf.wanted("a"))
        held.enter_context(house.shelf.wanted("a", patient=True))
        house.shelf.tick()
        held.enter_context(house.shelf.wanted("a"))
    assert house.count("limner_refused_requests_total", reason="queue_full") == 1


def test_nobody_waits_and_nothing_is_loaded(build: Build) -> None:
    """Who let go before its turn came leaves nothing behind."""
    house = build("a")
    with house.shelf.wanted("a"):
        pass
    assert not house.shelf.tick()
    assert house.opened == []


def test_the_end_is_told_to_those_who_wait(build: Build) -> None:
    """And to whoever comes later; models that are there refuse by themselves."""
    house = build("a", "b")
    house.use("a")
    with house.shelf.wanted("b") as wish:
        house.shelf.drain(1)
        with pytest.raises(ShuttingDownError):
            wish.result(0)
    with pytest.raises(ShuttingDownError), house.shelf.wanted("b"):
        pass
    with house.shelf.wanted("a") as wish, pytest.raises(ShuttingDownError):
        wish.result(0).loop.submit(ImageRequest(prompt="a boat", seed=1), listener=lambda _: None)


def test_a_keeper_works_by_itself(build: Build) -> None:
    """It loads what is asked for while others draw, and makes room as soon as there is any."""
    house = build("a", "b", limit=50 * MB)
    house.shelf.start()
    with house.shelf.wanted("a") as wish:
        wish.result(60)
        with house.shelf.wanted("b") as other:
            assert not other.done()
    with house.shelf.wanted("b") as other:
        assert other.result(60).able.model == "fake"
    assert house.opened == ["a", "b"]


def test_a_model_that_comes_too_late_is_let_go(build: Build) -> None:
    """One that was still being loaded when the end came does not stay."""
    house = build("a")

    def slow() -> FakeEngine:
        house.shelf.drain(0)
        return FakeEngine()

    house.engines["a"] = slow
    with house.shelf.wanted("a") as wish:
        house.shelf.tick()
        with pytest.raises(ShuttingDownError):
            wish.result(0)
    assert house.loaded() == set()
