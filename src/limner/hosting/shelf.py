"""The models of one process, each with a pipeline and a loop of its own while it is loaded.

One thread, the keeper, loads and unloads: one model at a time, in the order in which they were asked for, as far as
there is room. Whoever wants a model holds it, and what is held, or has work, is never unloaded. The lock is held for
bookkeeping only, never while a model is loaded, so models that are there go on drawing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from threading import Event, Lock, Thread
from typing import Literal

from limner.batching.choosing import loop_for
from limner.batching.metrics import Metrics
from limner.batching.reception import LoadReport
from limner.engines.base import Capabilities
from limner.errors import LimnerError, QueueFullError, ShuttingDownError
from limner.hosting.config import ShelfConfig
from limner.hosting.memory import MARGIN, give_back
from limner.hosting.metrics import ShelfMetrics
from limner.hosting.places import Loaded, Offer, Place, Status, check_fits, together
from limner.hosting.policy import Holding, leaving, outworn
from limner.pipeline import Pipeline

__all__ = ["Shelf"]

_logger = logging.getLogger(__name__)

# What a model takes to load depends on disks and networks: a guess for those who are told to come back.
_RETRY_SECONDS = 10.0


class Shelf:
    """Has models to draw with; for any thread.

    After `start` the keeper works by itself; without it, each `tick` makes one of its steps.

    Args:
        offers: the models that can be had.
        config: how many at a time.
        metrics: counts what happens, for all loops.
        clock: the time in seconds, from any start.
    """

    def __init__(
        self,
        offers: Sequence[Offer],
        config: ShelfConfig | None = None,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config or ShelfConfig()
        self._metrics = metrics or Metrics()
        self._counts = ShelfMetrics(self._metrics.registry)
        self._clock = clock
        self._places = {each.name: Place(offer=each, pinned=each.pinned, used_at=clock()) for each in offers}
        self._limits: dict[str, int | None] = {}
        self._numbers = count(1)
        self._lock = Lock()
        self._wake = Event()
        self._keeper: Thread | None = None
        self._closing = False

    def adopt(self, name: str, pipeline: Pipeline) -> None:
        """Put up a model that is loaded already. It stays, for it could not be brought back as it is."""
        place = self._places[name]
        place.pinned = True
        place.loaded = self._started(pipeline)
        place.able = place.loaded.able

    @contextmanager
    def wanted(self, name: str, *, patient: bool = False) -> Iterator[Future[Loaded]]:
        """Hold a model, so that it is loaded and stays so; what is yielded has it as soon as it is there.

        Args:
            name: one of the offers.
            patient: wait for it, however many do.

        Raises:
            QueueFullError: too many wait for it already.
            ShuttingDownError: nothing is loaded any more.
        """
        place = self._places[name]
        with self._lock:
            wish = self._wish(place, patient=patient)
            place.users += 1
        self._wake.set()
        try:
            yield wish
        finally:
            with self._lock:
                place.users -= 1
                place.used_at = self._clock()
                if not place.users and not place.loading:
                    place.wish = None
            self._wake.set()

    def _wish(self, place: Place, *, patient: bool) -> Future[Loaded]:
        if place.loaded is not None:
            there: Future[Loaded] = Future()
            there.set_result(place.loaded)
            return there
        if self._closing:
            self._metrics.refused("shutting_down")
            raise ShuttingDownError(1.0)
        if place.users >= self._config.loop.queue_size and not patient:
            self._metrics.refused("queue_full")
            raise QueueFullError(_RETRY_SECONDS)
        if place.wish is None:
            place.wish, place.asked = Future(), next(self._numbers)
        return place.wish

    def load_now(self, name: str) -> None:
        """Load a model on this thread; before the keeper works.

        Raises:
            LimnerError: it does not fit, or cannot be loaded.
        """
        with self.wanted(name, patient=True) as wish:
            self.tick()
            wish.result(0)

    def able(self, name: str) -> Capabilities | None:
        """What a model can do, or None if it was never loaded."""
        return self._places[name].able

    def load(self) -> LoadReport:
        """How busy all loops are together; whoever asks now waits for the busiest at most."""
        with self._lock:
            return together([place.loaded.loop.load() for place in self._places.values() if place.loaded])

    def status(self, name: str) -> Status:
        """Where a model stands; to tell its size, its files may be looked at."""
        place = self._places[name]
        if place.estimate is None and place.loaded is None:
            try:
                place.estimate = place.offer.weigh(fetch=False)
            except LimnerError as error:
                _logger.warning("The size of %s cannot be told: %s", name, error)
        with self._lock:
            return place.status()

    def tick(self) -> bool:
        """One step of the keeper: unload what nobody uses, and see to one wish; False if none could be."""
        with self._lock:
            worn = self._taken_off(outworn(self._held(), self._clock(), self._config.idle_seconds))
        self._unload(worn, "idle")
        return any(self._fulfilled(place) for place in self._asked_for())

    def _held(self, device: str = "") -> list[Holding]:
        """What is loaded, there or anywhere."""
        places = [place for place in self._places.values() if device in ("", place.device)]
        return [held for place in places if (held := place.look(self._clock())) is not None]

    def _taken_off(self, names: Sequence[str]) -> list[tuple[Place, Loaded]]:
        """From now on nobody finds these."""
        taken = []
        for place in (self._places[name] for name in names):
            if place.loaded is not None:
                taken.append((place, place.loaded))
                place.loaded = None
        return taken

    def _asked_for(self) -> list[Place]:
        with self._lock:
            return sorted((p for p in self._places.values() if p.wish is not None), key=lambda p: p.asked)

    def _fulfilled(self, place: Place) -> bool:
        """Load a model, or tell why not; False if it must wait for room."""
        try:
            if not self._make_room(place):
                return False
            loaded = self._started(place.offer.open())
        except Exception as error:  # noqa: BLE001  it is told to those who wait for it
            self._failed(place, error)
            return True
        with self._lock:
            place.loading = False
            wish, place.wish = place.wish, None
            is_late = self._closing
            if not is_late:
                place.loaded, place.able, place.used_at = loaded, loaded.able, self._clock()
        if is_late:
            loaded.loop.close(0)
            return True
        self._counts.loaded(place.offer.name, place.size)
        if wish is not None:
            wish.set_result(loaded)
        return True

    def _make_room(self, place: Place) -> bool:
        """Unload what must go for a model; False, and nothing goes, if there is no room for it yet."""
        if not place.weighed:
            place.estimate, place.weighed = place.offer.weigh(fetch=True), True
        estimate = place.estimate
        limit = self._limit(place.device)
        with self._lock:
            held = self._held(place.device)
            going: Sequence[str] | None = ()
            if estimate is not None and limit is not None:
                check_fits(place.offer.name, estimate, limit, held)
                going = leaving(held, estimate.total, limit)
            if going is None or place.wish is None:
                return False
            place.loading = True
            taken = self._taken_off(going)
        self._unload(taken, "room")
        return True

    def _limit(self, device: str) -> int | None:
        """The bytes that models may take on a device; None if nobody knows."""
        if self._config.limit:
            return self._config.limit
        if device not in self._limits:
            free = self._config.free(device)
            with self._lock:
                taken = sum(holding.size for holding in self._held(device))
            self._limits[device] = None if free is None else int((1 - MARGIN) * (free + taken))
        return self._limits[device]

    def _failed(self, place: Place, error: Exception) -> None:
        with self._lock:
            place.loading = False
            wish, place.wish = place.wish, None
        self._counts.failed(place.offer.name)
        if wish is not None:
            wish.set_exception(error)

    def _started(self, pipeline: Pipeline) -> Loaded:
        loop = loop_for(pipeline, self._config.loop, self._metrics)
        loop.when_idle = self._wake.set
        loop.start()
        return Loaded(pipeline=pipeline, loop=loop)

    def _unload(self, taken: list[tuple[Place, Loaded]], reason: Literal["room", "idle"]) -> None:
        """End models that nobody can find any more; the list is emptied, so that nothing keeps them."""
        if not taken:
            return
        while taken:
            place, loaded = taken.pop()
            loaded.loop.close()
            del loaded
            self._counts.unloaded(place.offer.name, reason)
            _logger.info("%s was unloaded (%s)", place.offer.name, reason)
        give_back()

    def start(self) -> None:
        """Let the keeper work from now on, in a thread of its own; once."""
        self._keeper = Thread(target=self._run, name="limner-shelf", daemon=True)
        self._keeper.start()

    def _run(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                is_done = not self.tick()
            except Exception:
                # A fault of this package's own: other models can still be loaded.
                _logger.exception("The keeper of the models failed")
                is_done = True
            if is_done:
                self._wake.wait(self._pause())

    def _pause(self) -> float | None:
        """Seconds until the next model may have been idle for long enough; None if none will."""
        with self._lock:
            held = [holding for holding in self._held() if holding.may_leave]
        if not held or not self._config.idle_seconds:
            return None
        oldest = min(holding.used_at for holding in held)
        return max(0.0, oldest + self._config.idle_seconds - self._clock())

    def drain(self, seconds: float) -> None:
        """Load nothing more, and finish what is drawn; blocks until that is done, at most for so many seconds."""
        with self._lock:
            self._closing = True
            wishes = [place.wish for place in self._places.values() if place.wish is not None]
            for place in self._places.values():
                place.wish = None
            loops = [place.loaded.loop for place in self._places.values() if place.loaded]
        self._wake.set()
        for wish in wishes:
            wish.set_exception(ShuttingDownError(max(1.0, seconds)))
        threads = [Thread(target=loop.drain, args=(seconds,), daemon=True) for loop in loops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self, seconds: float = 30.0) -> None:
        """End everything, as `Loop.close` does for each loop. A model that is being loaded is given up."""
        self.drain(0)
        if self._keeper is not None:
            self._keeper.join(seconds)
        with self._lock:
            everyone = [place.loaded for place in self._places.values() if place.loaded]
        for loaded in everyone:
            loaded.loop.close(seconds)
