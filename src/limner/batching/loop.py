"""Continuous batching: between any two steps, anyone may join and anyone may leave.

Axes in names: B batch, C channels, h and w the latent grid.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from limner.batching.base import Loop
from limner.batching.jobs import Canvas
from limner.batching.metrics import Metrics
from limner.batching.policy import Policy
from limner.batching.reception import LoadReport, LoopConfig
from limner.batching.steptimes import StepTimes
from limner.pipeline import Pipeline

__all__ = ["DeviceLoop", "LoadReport", "LoopConfig"]

_logger = logging.getLogger(__name__)


class DeviceLoop(Loop):
    """Draws for many at a time: each tick is one engine call for the pictures that the policy picks.

    See `Loop` for how to use it, and `policy` for who is picked.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        config: LoopConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(pipeline, config, clock, metrics)
        # A guided picture takes two places.
        self._times = StepTimes(2 * self._config.batch_max)
        self._policy = Policy(self._times, self._config.batch_max)

    def _work(self) -> int:
        with self._changed:
            starting = self._policy.admitted(self._queue.ranked(), self._running)
        for job in starting:
            self._open(job)
        with self._changed:
            canvases = [canvas for job in self._running for canvas in job.canvases]
            waiting = self._queue.ranked()
        batch = self._policy.together([canvas for canvas in canvases if not canvas.rendering.done], waiting)
        # A trace needs its look whatever becomes of the others, so it steps by itself.
        traced = [[canvas] for canvas in batch if canvas.recorder is not None]
        # A large picture takes as long as many steps to finish: a piece of the first, and then others step again.
        finishing = [canvas for canvas in canvases if canvas.finishing is not None][:1]
        done = sum(map(self._step, [*traced, [canvas for canvas in batch if canvas.recorder is None]]))
        for canvas in finishing:
            self._finish(canvas)
        return done

    def _step(self, batch: Sequence[Canvas]) -> int:
        """One step of these together, or, where that fails, of as many as can; the work done."""
        batch = [canvas for canvas in batch if not canvas.claim.over]
        if not batch:
            return 0
        before = [canvas.rendering.step for canvas in batch]
        try:
            look, seconds = self._device.step(batch)
        except Exception as error:  # noqa: BLE001  it is told to whom it concerns
            return self._step_apart(batch, before, error)
        places = _places(batch)
        self._times.record(batch[0].claim.shape, places, seconds)
        for canvas, x0_Chw in zip(batch, look.x0_BChw, strict=True):
            self._moved(canvas, x0_Chw)
        return places

    def _step_apart(self, batch: Sequence[Canvas], before: Sequence[int], error: Exception) -> int:
        """Find the one that fails: each half by itself, down to one at a time."""
        if len(batch) == 1:
            self._failed(batch[0].claim, error)
            return 0
        _logger.warning("A step of %d pictures failed and is tried in halves: %s", len(batch), error)
        went = [canvas for canvas, step in zip(batch, before, strict=True) if canvas.rendering.step > step]
        stuck = [canvas for canvas in batch if canvas not in went]
        self._metrics.moved(len(went))
        for canvas in went:
            self._moved(canvas, None)
        half = (len(stuck) + 1) // 2
        done = _places(went) + self._step(stuck[:half]) + self._step(stuck[half:])
        if done == _places(batch):
            self._times.failed(batch[0].claim.shape, done)
        return done


def _places(batch: Sequence[Canvas]) -> int:
    return sum(canvas.claim.places for canvas in batch)
