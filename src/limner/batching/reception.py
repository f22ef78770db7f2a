"""Where requests come in and get their answers: everything of a loop but the device. For any thread.

The lock is held for bookkeeping only, never while the engine computes, so `submit` and `cancel` return at
once. Any thread may end a job; the device's thread notices between two engine calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import count
from threading import Condition

from limner.batching.delivery import Mailbox
from limner.batching.events import Event, Failed, Finished, Listener, Queued
from limner.batching.jobs import MAX_PREVIEWS, Canvas, Job
from limner.batching.measure import ServiceTime
from limner.batching.metrics import Metrics
from limner.batching.queue import WaitingQueue
from limner.engines.base import Capabilities
from limner.engines.shapes import nearest_shape
from limner.errors import (
    CancelledError,
    DeadlineError,
    InvalidRequestError,
    QueueFullError,
    SettingsError,
    ShuttingDownError,
)
from limner.sources import size_of
from limner.types import FileFormat, ImageRequest

__all__ = ["LoadReport", "LoopConfig", "Reception"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopConfig:
    """How much a loop takes on.

    Attributes:
        queue_size: requests that may wait.
        batch_max: pictures that may step together; how many it pays to is measured.
        request_timeout: seconds after which a request is given up, unless it has a deadline of its own.

    Raises:
        SettingsError: one of them is too small.
    """

    queue_size: int = 32
    batch_max: int = 8
    request_timeout: float = 600.0

    def __post_init__(self) -> None:
        for name in ("queue_size", "batch_max"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 1, not {getattr(self, name)}", param=name)
        if not self.request_timeout > 0:
            raise SettingsError(
                f"request_timeout must be above 0 s, not {self.request_timeout}", param="request_timeout"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """How busy a loop is.

    Attributes:
        queued: requests that wait.
        running: requests that are being drawn.
        estimated_wait: seconds until all that is there now should be done; 0 while nothing is measured.
    """

    queued: int
    running: int
    estimated_wait: float


class Reception:
    """Keeps the jobs that wait and those that run, and sees to it that each is answered exactly once.

    Args:
        able: the engine's defaults, from which a request's work is planned.
        config: how much is taken on.
        clock: the time in seconds, from any start.
        metrics: counts what happens; None counts for nobody.

    Attributes:
        when_idle: called whenever the last of its work is done, by any thread and under the lock: it must return
            at once, and must not ask the loop anything.
    """

    def __init__(
        self,
        able: Capabilities,
        config: LoopConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics | None = None,
    ) -> None:
        self._able = able
        self._config = config or LoopConfig()
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._load = self._metrics.loop_load()
        self._service = ServiceTime()
        self._mailbox = Mailbox()
        self._changed = Condition()
        self._queue: WaitingQueue[Job] = WaitingQueue(self._config.queue_size)
        self._running: list[Job] = []
        self._numbers = count()
        self._closing_at: float | None = None
        self.when_idle: Callable[[], None] = _nothing

    def submit(
        self,
        request: ImageRequest,
        *,
        key: str = "",
        priority: int = 0,
        deadline: float | None = None,
        previews: int = 0,
        trace: FileFormat | None = None,
        listener: Listener,
    ) -> Job:
        """Take in a request, or refuse it before anything is done. Returns at once.

        Args:
            request: what is to be drawn.
            key: for whom; those of different keys take turns.
            priority: larger ones go first.
            deadline: seconds from now after which nobody wants it; None is the config's `request_timeout`.
            previews: how many to show of each picture on its way, 0 to 3; fewer where there are few steps.
            trace: the pictures also tell how they came about, down to the file of this format.
            listener: hears what becomes of it; see `limner.batching.events`.

        Raises:
            InvalidRequestError: more previews than there can be.
            QueueFullError: too many are waiting.
            ShuttingDownError: no new work is taken.
        """
        if not 0 <= previews <= MAX_PREVIEWS:
            raise InvalidRequestError(
                f"previews must be from 0 to {MAX_PREVIEWS}, not {previews}", param="previews"
            )
        guidance = self._able.default_guidance if request.guidance is None else request.guidance
        with self._changed:
            self._refuse()
            now = self._clock()
            job = Job(
                request=request,
                key=key,
                priority=priority,
                order=next(self._numbers),
                shape=nearest_shape(self._able, size_of(request)),
                places=1 if guidance == 1 else 2,
                steps=request.steps or self._able.default_steps,
                previews=previews,
                trace=trace,
                listener=listener,
                submitted=now,
                deadline=now + (self._config.request_timeout if deadline is None else deadline),
                cancel=self._cancel,
            )
            self._queue.add(job)
            self._load_changed()
        return job

    def load(self) -> LoadReport:
        """How busy it is, now."""
        with self._changed:
            return LoadReport(
                queued=len(self._queue),
                running=len(self._running),
                estimated_wait=self._service.seconds(self._backlog()),
            )

    def _refuse(self) -> None:
        if self._closing_at is not None:
            self._metrics.refused("shutting_down")
            raise self._shutting_down()
        if self._queue.full:
            self._metrics.refused("queue_full")
            raise QueueFullError(self._service.retry_after(self._backlog()))

    def _shutting_down(self) -> ShuttingDownError:
        # When the time to finish is over, another process can take the place of this one.
        left = 0.0 if self._closing_at is None else self._closing_at - self._clock()
        return ShuttingDownError(max(1.0, left))

    def _cancel(self, job: Job) -> None:
        error = CancelledError("The request was cancelled: send it again if its pictures are still wanted")
        self._end(job, Failed(error=error))

    def _expire(self) -> None:
        """Give up those whose time is over, whether they wait or run."""
        now = self._clock()
        for job in self._everyone():
            if now >= job.deadline:
                error = DeadlineError(
                    f"The pictures were not done within {job.deadline - job.submitted:g} s: ask for fewer "
                    "pictures or steps, or allow more time"
                )
                self._end(job, Failed(error=error))

    def _send_away(self, jobs: Iterable[Job]) -> None:
        for job in list(jobs):
            self._end(job, Failed(error=self._shutting_down()))

    def _everyone(self) -> list[Job]:
        with self._changed:
            return [*self._running, *self._queue]

    def _start(self, job: Job) -> bool:
        """A waiting job is drawn from now on; False if it is over."""
        with self._changed:
            if job.over:
                return False
            self._queue.start(job)
            self._running.append(job)
            job.course.enter("text_encoding", self._clock())
            self._metrics.waited(job.course.seconds["waiting"])
            self._load_changed()
            return True

    def _begin(self, job: Job, canvases: Iterable[Canvas], event: Event) -> None:
        """A running job has its canvases."""
        with self._changed:
            if not job.over:
                job.begin(list(canvases))
                self._tell(job, event)

    def _tell(self, job: Job, event: Event) -> None:
        with self._changed:
            if not job.over:
                self._mailbox.post(job.listener, event)

    def _end(self, job: Job, event: Finished | Failed) -> None:
        """Answer a job, once; whatever comes later is too late."""
        with self._changed:
            if job.over:
                return
            self._tell(job, replace(event, stages=job.stages(self._clock())))
            job.end()
            if job in self._queue:
                self._queue.remove(job)
            else:
                self._running.remove(job)
            self._metrics.ended(event)
            self._load_changed()

    def _load_changed(self) -> None:
        """Tell those whose place in the queue is another, and wake whoever waits for a change."""
        units = sum(job.work for job in self._running)
        for position, job in enumerate(self._queue.ranked(), start=1):
            units += job.work
            if job.position != position:
                job.position = position
                self._tell(job, Queued(position=position, eta=self._service.seconds(units)))
        self._load.told(queued=len(self._queue), running=len(self._running))
        self._changed.notify_all()
        if not self._queue and not self._running:
            self.when_idle()

    def _backlog(self) -> int:
        """The work of everyone, in places times steps."""
        return sum(job.work for job in self._everyone())


def _nothing() -> None:
    """Nobody wants to know."""
