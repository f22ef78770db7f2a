"""Threads that work off lists: several lines at a time, and the lists of those who have least under way first."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from threading import Condition, Thread
from typing import Protocol, TypeAlias

__all__ = ["Piece", "Runner", "Work"]

_logger = logging.getLogger(__name__)

Piece: TypeAlias = Callable[[], None]


class Work(Protocol):
    """A list to be worked off.

    Attributes:
        owner: whose it is; owners share the threads evenly.
    """

    @property
    def owner(self) -> str: ...  # noqa: D102

    def take(self) -> Piece | None:
        """What is to be done next, None at the end; never called twice at a time, nor after its end."""

    def broke(self, error: Exception) -> None:
        """A piece raised this."""

    def finish(self) -> None:
        """The end was reached and every piece is over; called once."""


class Runner:
    """Works off whatever is added, with so many threads.

    Args:
        width: how many pieces are under way at a time.
    """

    def __init__(self, width: int) -> None:
        self._changed = Condition()
        self._works: list[Work] = []
        self._ended: list[Work] = []
        self._busy: Counter[Work] = Counter()
        self._closed = False
        self._threads = [Thread(target=self._run, name=f"limner-bulk-{i}", daemon=True) for i in range(width)]

    def start(self) -> None:
        """Begin; once."""
        for thread in self._threads:
            thread.start()

    def add(self, work: Work) -> None:
        """Work this off, too."""
        with self._changed:
            self._works.append(work)
            self._changed.notify_all()

    def wake(self) -> None:
        """Some work may have come to its end by itself: look."""
        with self._changed:
            self._changed.notify_all()

    def close(self, seconds: float) -> bool:
        """Begin nothing more, and wait for what is under way; whether that was over within so many seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        until = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (found := self._next()) is not None:
            work, piece = found
            _attempt(work, piece)
            self._over(work)

    def _next(self) -> tuple[Work, Piece] | None:
        with self._changed:
            while not self._closed:
                found = self._taken()
                if found is not None:
                    return found
                self._changed.wait()
        return None

    def _taken(self) -> tuple[Work, Piece] | None:
        """The next piece; the work that it is of goes to the end of the line."""
        under_way: Counter[str] = Counter()
        for work, pieces in self._busy.items():
            under_way[work.owner] += pieces
        for work in sorted(self._works, key=lambda work: under_way[work.owner]):
            self._works.remove(work)
            piece = _taken_from(work)
            if piece is not None:
                self._works.append(work)
            elif self._busy[work]:
                self._ended.append(work)
                continue
            self._busy[work] += 1
            return work, piece or work.finish
        return None

    def _over(self, work: Work) -> None:
        with self._changed:
            self._busy[work] -= 1
            if self._busy[work]:
                return
            del self._busy[work]
            if work not in self._ended or self._closed:
                return
            self._ended.remove(work)
        _attempt(work, work.finish)


def _taken_from(work: Work) -> Piece | None:
    try:
        return work.take()
    except Exception as error:  # noqa: BLE001  it is told to the one whom it concerns
        work.broke(error)
        return None


def _attempt(work: Work, piece: Piece) -> None:
    """One list's fault must not keep the others from being worked off."""
    try:
        piece()
    except Exception as error:
        _logger.debug("A piece of work failed", exc_info=True)
        work.broke(error)
