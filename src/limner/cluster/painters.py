"""Engines that draw a list's lines, each in a process of its own wherever Ray has room for it.

Ray finds the machines, starts the processes and carries lines there and pictures back. What is drawn is noted where
the list is, by the one who reads it, so that each line is done once whatever dies: a line whose engine has died is
given to another one. Ray Data would work the list off in blocks; an engine would stand idle at the end of each, until
its slowest line is done, and lose a whole block when it dies.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition, Lock, Thread
from typing import Any

from limner.bulk.making import EaselMaker, Made
from limner.bulk.wishes import Wish
from limner.cluster.connection import connect
from limner.cluster.plan import Plan
from limner.engines.base import Capabilities
from limner.errors import CancelledError, EngineError, EngineUnavailableError, LimnerError
from limner.settings import Settings

__all__ = ["Painters", "painters"]

# An engine may die of its line. Whatever kills so many in a row is not chance.
_LIVES = 5


class _Painter:
    """An engine with its loop, as Ray runs it. Errors are handed back as values: raised, Ray would wrap them."""

    def __init__(self, settings: Settings, width: int) -> None:
        self._settings = settings
        self._width = width
        self._lock = Lock()
        self._opened: tuple[EaselMaker, Capabilities] | None = None

    def open(self) -> Capabilities | LimnerError:
        """Load the model, if that is not done yet."""
        try:
            return self._open()[1]
        except LimnerError as error:
            return error

    def make(self, wish: Wish) -> Made | LimnerError:
        """The files of a wish."""
        try:
            return self._open()[0].make(wish)
        except LimnerError as error:
            return error

    def _open(self) -> tuple[EaselMaker, Capabilities]:
        with self._lock:
            if self._opened is None:
                self._opened = _begun(self._settings, self._width)
            return self._opened


def _begun(settings: Settings, width: int) -> tuple[EaselMaker, Capabilities]:
    from limner.batching.choosing import loop_for
    from limner.batching.loop import LoopConfig
    from limner.bulk.easel import Easel
    from limner.loading import load_chosen

    pipeline = load_chosen(settings)
    loop = loop_for(pipeline, LoopConfig(queue_size=width, batch_max=settings.batch_max))
    loop.start()
    return EaselMaker(Easel(loop)), pipeline.engine.capabilities


@dataclass(eq=False, kw_only=True, slots=True)
class _Shift:
    """An engine from when it is ready until it is lost.

    Attributes:
        painter: Ray's handle of it.
        lines: how many it has.
    """

    painter: Any
    lines: int = 0


class Painters:
    """Makes the files of wishes with whichever engine has least to do; those that die are replaced.

    Args:
        start: begins another one, and returns Ray's handle of it.
        count: how many there are.
        width: lines that each has at most.
    """

    def __init__(self, start: Callable[[], Any], count: int, width: int) -> None:
        self._start = start
        self._width = width
        self._changed = Condition()
        self._shifts: list[_Shift] = []
        self._coming = 0
        self._able: Capabilities | None = None
        self._error: LimnerError | None = None
        self._closed = False
        for _ in range(count):
            self._send_for_one()

    def able(self) -> Capabilities:
        """What the engines can do; waits for the first of them.

        Raises:
            LimnerError: why none can be had.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._able or not self._coming)
            if self._able is None:
                raise self._error or CancelledError("no engine is wanted any more")
            return self._able

    def make(self, wish: Wish) -> Made:
        """See `limner.bulk.making.Maker`."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        for _ in range(_LIVES):
            shift = self._taken()
            try:
                answer: Made | LimnerError = ray.get(shift.painter.make.remote(wish))
            except RayTaskError:
                raise
            except RayError:
                self._lose(shift)
                continue
            self._give_back(shift)
            if isinstance(answer, LimnerError):
                raise answer
            return answer
        raise EngineError(
            f"{_LIVES} engines died one after the other while they drew this line: give each more memory, or leave "
            "the line out"
        )

    def close(self) -> None:
        """See `limner.bulk.making.Maker`."""
        with self._changed:
            self._closed = True
            shifts, self._shifts = self._shifts, []
            self._changed.notify_all()
        for shift in shifts:
            _end(shift.painter)

    def _taken(self) -> _Shift:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._free() or not (self._shifts or self._coming))
            if self._closed:
                raise CancelledError("Nothing more is drawn: begin anew, and it goes on where it was")
            shift = self._free()
            if shift is None:
                raise EngineUnavailableError(f"no engine is left that could draw: {self._error}")
            shift.lines += 1
            return shift

    def _free(self) -> _Shift | None:
        shift = min(self._shifts, key=lambda shift: shift.lines, default=None)
        return shift if shift is not None and shift.lines < self._width else None

    def _give_back(self, shift: _Shift) -> None:
        with self._changed:
            shift.lines -= 1
            self._changed.notify_all()

    def _lose(self, shift: _Shift) -> None:
        """Each line that it had tells of it; the first one sends for another engine."""
        with self._changed:
            if self._closed or shift not in self._shifts:
                return
            self._shifts.remove(shift)
            self._send_for_one()
        _end(shift.painter)

    def _send_for_one(self) -> None:
        self._coming += 1
        Thread(target=self._bring, name="limner-painter", daemon=True).start()

    def _bring(self) -> None:
        painter, found = self._opened()
        with self._changed:
            self._coming -= 1
            if isinstance(found, LimnerError):
                self._error = found
            elif not self._closed:
                self._able = found
                self._shifts.append(_Shift(painter=painter))
            self._changed.notify_all()
        if self._closed or isinstance(found, LimnerError):
            _end(painter)

    def _opened(self) -> tuple[Any, Capabilities | LimnerError]:
        """Another engine, once it is ready, however long Ray looks for room."""
        import ray
        from ray.exceptions import RayError

        reason = ""
        for _ in range(_LIVES):
            painter = self._start()
            try:
                return painter, ray.get(painter.open.remote())
            except RayError as error:
                reason = str(error).strip().splitlines()[-1]
                _end(painter)
        return painter, EngineUnavailableError(
            f"{_LIVES} engines died while their model was loaded: {reason}"
        )


def _end(painter: Any) -> None:
    """A process that is there no more is ended, too."""
    import ray

    # Ray itself may have ended meanwhile.
    with contextlib.suppress(Exception):
        ray.kill(painter)


@contextmanager
def painters(settings: Settings, plan: Plan, width: int, address: str | None) -> Iterator[Painters]:
    """Engines on Ray; they end with the block.

    Args:
        settings: of each of them.
        plan: how many there are, and what each takes.
        width: lines that each has at a time.
        address: a cluster's, as Ray writes it; None starts Ray on this machine, and it ends with the block, too.

    Raises:
        InvalidRequestError: this machine has not enough cores.
        EngineUnavailableError: Ray is not installed, or cannot be reached.
    """
    if address is None:
        plan.check_here()
    ray = connect(address, logging_level="warning")
    try:
        kind = ray.remote(_Painter).options(
            num_cpus=plan.cpus, num_gpus=plan.gpus, max_concurrency=width, max_restarts=0
        )
        found = Painters(lambda: kind.remote(plan.settings_of(settings), width), plan.replicas, width)
        try:
            yield found
        finally:
            found.close()
    finally:
        ray.shutdown()
