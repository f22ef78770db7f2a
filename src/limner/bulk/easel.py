"""Draws for a thread that waits, in company with everybody else on the device."""

from __future__ import annotations

import math
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event as Flag
from threading import Lock

from limner.batching.base import Loop
from limner.batching.events import Event, Failed, Finished, Started
from limner.batching.jobs import Job
from limner.errors import CancelledError, QueueFullError
from limner.imaging.picture import Picture
from limner.types import FileFormat, ImageRequest

__all__ = ["Drawn", "Easel"]

# A full queue may have room much sooner than it fears.
_LONGEST_PAUSE = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What came of a request.

    Attributes:
        pictures: as many as were asked for.
        unread: the end of the prompt that the model did not read.
    """

    pictures: tuple[Picture, ...]
    unread: str


class Easel:
    """Hands requests to a loop and waits for their pictures; any number of threads may.

    Args:
        loop: who draws.
        priority: larger ones go first.
    """

    def __init__(self, loop: Loop, *, priority: int = 0) -> None:
        self._loop = loop
        self._priority = priority
        self._jobs: set[Job] = set()
        self._lock = Lock()
        self._closed = Flag()

    def draw(self, request: ImageRequest, *, key: str = "", trace: FileFormat | None = None) -> Drawn:
        """Draw, however long it takes; while the queue is full, wait for room.

        Args:
            request: what.
            key: for whom.
            trace: the pictures also tell how they came about, down to the file of this format.

        Raises:
            LimnerError: why the pictures could not be drawn; a `CancelledError` after `close`.
        """
        events: SimpleQueue[Event] = SimpleQueue()
        job = self._submitted(request, key, trace, events)
        try:
            return _outcome(events)
        finally:
            with self._lock:
                self._jobs.discard(job)

    def _submitted(
        self, request: ImageRequest, key: str, trace: FileFormat | None, events: SimpleQueue[Event]
    ) -> Job:
        while True:
            try:
                with self._lock:
                    self._check_open()
                    job = self._loop.submit(
                        request,
                        key=key,
                        priority=self._priority,
                        # There is nobody who waits at the other end and would give up.
                        deadline=math.inf,
                        trace=trace,
                        listener=events.put,
                    )
                    self._jobs.add(job)
                    return job
            except QueueFullError as error:
                self._closed.wait(min(error.retry_after, _LONGEST_PAUSE))

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise CancelledError("Nothing more is drawn: begin anew, and it goes on where it was")

    def close(self) -> None:
        """Draw nothing more, and let go of what is being drawn."""
        with self._lock:
            self._closed.set()
            jobs = list(self._jobs)
        for job in jobs:
            job.cancel()


def _outcome(events: SimpleQueue[Event]) -> Drawn:
    unread = ""
    while True:
        event = events.get()
        if isinstance(event, Started):
            unread = event.unread
        elif isinstance(event, Failed):
            raise event.error
        elif isinstance(event, Finished):
            return Drawn(pictures=event.pictures, unread=unread)
