"""What the loops have in common on the device's side: ticks, stages around the steps, threads.

Axes in names: C channels, h and w the latent grid.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

from limner.batching.device import Device
from limner.batching.events import Failed, Finished, Preview, Started
from limner.batching.jobs import Canvas, Job
from limner.batching.metrics import Metrics
from limner.batching.reception import LoopConfig, Reception
from limner.errors import EngineError, LimnerError
from limner.pipeline import Pipeline
from limner.types import Floats

__all__ = ["Loop"]

_logger = logging.getLogger(__name__)


class Loop(Reception, ABC):
    """Takes requests in, has them drawn on one device, and tells their listeners.

    After `start` it works in threads of its own. Without `start` nothing happens by itself: `tick` makes one
    step and `deliver` hands over the events, which is how tests drive it.

    Args:
        pipeline: draws; nobody else may use its engine meanwhile.
        config: how much is taken on.
        clock: the time in seconds, from any start.
        metrics: counts what happens; None counts for nobody.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        config: LoopConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(pipeline.engine.capabilities, config, clock, metrics)
        self._device = Device(pipeline, self._metrics, clock)
        self._thread: Thread | None = None
        self._closed = False

    @abstractmethod
    def _work(self) -> int:
        """Make one step of whatever is best; the work done, in places times steps."""

    def tick(self) -> bool:
        """One step on the device, for the device's thread or by hand; False if there was nothing to do."""
        self._expire()
        if not self._everyone():
            return False
        began = self._clock()
        try:
            done = self._work()
        except Exception as error:
            # A fault of this package's own: everyone gets an answer, and the thread lives on.
            _logger.exception("The loop failed outside the engine")
            for job in self._everyone():
                self._end(job, Failed(error=_explained(error)))
        else:
            self._service.record(done, self._clock() - began)
        return True

    def deliver(self) -> None:
        """Hand over the events by hand, where no thread does."""
        self._mailbox.deliver()

    def start(self) -> None:
        """Work from now on, in threads of its own; once."""
        self._mailbox.start()
        self._thread = Thread(target=self._run, name="limner-device", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            if not self.tick():
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or len(self._queue) > 0)

    def drain(self, seconds: float) -> None:
        """Take in nothing new, send away what waits, and finish what is being drawn.

        Returns when that is done, or after so many seconds: then the rest is sent away too. Whoever is sent
        away gets a `ShuttingDownError`.
        """
        with self._changed:
            self._closing_at = self._clock() + seconds
            self._send_away(self._queue)
            if self._thread is not None:
                self._changed.wait_for(lambda: not self._running, timeout=seconds)
        while self._thread is None and self._running and self._clock() < self._closing_at:
            self.tick()
        self._send_away(self._everyone())

    def close(self, seconds: float = 30.0) -> None:
        """End everything: send away what is left, wait for the step in flight, tell the last events.

        An engine call that has not returned after so many seconds is given up: it ends with the process.
        """
        self.drain(0)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                _logger.error("The engine has not returned within %g s and is given up", seconds)
        self._mailbox.close()

    def _open(self, job: Job) -> None:
        """Let a waiting job start: its prompt is encoded and its pictures are put on canvases."""
        if self._start(job):
            with self._answering(job):
                canvases, unread = self._device.begin(job)
                self._begin(job, canvases, Started(unread=unread))

    def _moved(self, canvas: Canvas, x0_Chw: Floats | None) -> None:
        """See to a canvas that made a step: show it, or begin to finish it."""
        if canvas.claim.over:
            return
        if canvas.rendering.done:
            canvas.finishing = self._device.finish(canvas)
            self._finish(canvas)
        elif x0_Chw is not None:
            with self._answering(canvas.claim):
                self._show(canvas, x0_Chw)

    def _finish(self, canvas: Canvas) -> None:
        """Do the next piece of what is left once the steps are made; with the last picture its job is finished."""
        job = canvas.claim
        if job.over or canvas.finishing is None:
            return
        with self._answering(job):
            try:
                next(canvas.finishing)
            except StopIteration as end:
                canvas.finishing, canvas.picture = None, end.value
            if job.done:
                pictures = tuple(each.picture for each in job.canvases if each.picture is not None)
                self._end(job, Finished(pictures=pictures))

    def _show(self, canvas: Canvas, x0_Chw: Floats) -> None:
        index = canvas.preview_due()
        if index is None:
            return
        try:
            pixels_HWC = self._device.preview(canvas, x0_Chw)
        except Exception:
            # The picture itself may still come out well.
            _logger.exception("A preview of job %s could not be made", canvas.claim.id)
        else:
            self._tell(canvas.claim, Preview(picture=canvas.index, index=index, pixels_HWC=pixels_HWC))

    @contextmanager
    def _answering(self, job: Job) -> Iterator[None]:
        """Whatever goes wrong in the block goes wrong for this job alone."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  it is told to the one whom it concerns, and logged
            self._failed(job, error)

    def _failed(self, job: Job, error: Exception) -> None:
        if not job.over:
            _logger.warning("Job %s failed: %s", job.id, error, exc_info=not isinstance(error, LimnerError))
        self._end(job, Failed(error=_explained(error)))


def _explained(error: Exception) -> LimnerError:
    """The error itself, or what it comes to for the one who asked, with it as the cause."""
    if isinstance(error, LimnerError):
        return error
    explained = EngineError(
        f"Drawing failed in a way that nobody foresaw ({type(error).__name__}: {error}): see the log"
    )
    explained.__cause__ = error
    return explained
