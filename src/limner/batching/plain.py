"""The plain version of `DeviceLoop`: one job at a time, one picture at a time, the same pictures."""

from __future__ import annotations

from limner.batching.base import Loop

__all__ = ["PlainLoop"]


class PlainLoop(Loop):
    """Draws each picture alone, job after job as the queue ranks them. To compare with, and to read first."""

    def _work(self) -> int:
        with self._changed:
            starting = [] if self._running else self._queue.ranked()[:1]
        for job in starting:
            self._open(job)
        with self._changed:
            canvases = [canvas for job in self._running for canvas in job.canvases if canvas.picture is None]
        made = 0
        for canvas in canvases[:1]:
            if canvas.finishing is not None:
                self._finish(canvas)
                continue
            before = canvas.rendering.step
            with self._answering(canvas.claim):
                look, _ = self._device.step([canvas])
                self._moved(canvas, look.x0_BChw[0])
            made = canvas.claim.places * (canvas.rendering.step - before)
        return made
