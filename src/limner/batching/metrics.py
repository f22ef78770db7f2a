"""What an operator watches, in Prometheus' terms. Nothing here is global: whoever serves it hands it on."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from limner.batching.events import Failed, Finished
from limner.errors import CancelledError, DeadlineError, ShuttingDownError

__all__ = ["LoopLoad", "Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 600)
_PICTURES = (1, 2, 3, 4, 6, 8, 12, 16, 32)
_OUTCOMES = {CancelledError: "cancelled", DeadlineError: "timeout", ShuttingDownError: "shut_down"}


class LoopLoad:
    """One loop's share of the requests that there are: loops of several models count into the same gauges."""

    def __init__(self, queued: Gauge, running: Gauge) -> None:
        self._told = [(queued, 0), (running, 0)]

    def told(self, *, queued: int, running: int) -> None:
        """How many requests the loop has, now."""
        for index, now in enumerate((queued, running)):
            gauge, before = self._told[index]
            gauge.inc(now - before)
            self._told[index] = (gauge, now)


class Metrics:
    """Counters, gauges and histograms of a loop or of several, all named `limner_*`.

    Args:
        registry: where they are listed, for `prometheus_client.generate_latest`; None makes one.

    Attributes:
        registry: the same.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._add_load()
        self._add_work()

    def _add_load(self) -> None:
        here = self.registry
        self._queue_depth = Gauge("limner_queue_depth", "Requests that wait", registry=here)
        self._running = Gauge("limner_running_requests", "Requests that are being drawn", registry=here)
        self._wait_seconds = Histogram(
            "limner_queue_wait_seconds", "Wait before a request starts", buckets=_SECONDS, registry=here
        )
        self._requests = Counter(
            "limner_requests", "Requests that were taken in, by how they ended", ["outcome"], registry=here
        )
        self._refused = Counter(
            "limner_refused_requests", "Requests not taken in, by why", ["reason"], registry=here
        )

    def _add_work(self) -> None:
        here = self.registry
        self._steps = Counter("limner_denoise_steps", "Steps of pictures, every one", registry=here)
        self._step_seconds = Histogram(
            "limner_step_seconds", "One step of a batch", ["shape"], buckets=_SECONDS, registry=here
        )
        self._batch_pictures = Histogram(
            "limner_batch_pictures", "Pictures in one step", buckets=_PICTURES, registry=here
        )
        self._stage_seconds = Histogram(
            "limner_stage_seconds", "A stage of a picture", ["stage"], buckets=_SECONDS, registry=here
        )
        self._texts = Counter(
            "limner_text_cache_requests", "Prompts looked up in the cache", ["result"], registry=here
        )
        self._pictures = Counter("limner_pictures", "Pictures finished", registry=here)
        self._pixels = Counter("limner_pixels", "Pixels of finished pictures", registry=here)

    def loop_load(self) -> LoopLoad:
        """Where one loop tells how many requests it has."""
        return LoopLoad(self._queue_depth, self._running)

    def waited(self, seconds: float) -> None:
        """A request starts, after so long."""
        self._wait_seconds.observe(seconds)

    def refused(self, reason: str) -> None:
        """A request was not taken in: "queue_full" or "shutting_down", or a reason of whoever asks first."""
        self._refused.labels(reason=reason).inc()

    def looked_up(self, *, hit: bool) -> None:
        """A prompt was looked up in the cache."""
        self._texts.labels(result="hit" if hit else "miss").inc()

    def stepped(self, shape: tuple[int, ...], pictures: int, seconds: float) -> None:
        """So many pictures made a step together."""
        self._step_seconds.labels(shape="x".join(map(str, shape))).observe(seconds)
        self.moved(pictures)

    def moved(self, pictures: int) -> None:
        """So many pictures made a step."""
        self._steps.inc(pictures)
        self._batch_pictures.observe(pictures)

    def stage(self, name: str, seconds: float) -> None:
        """A stage took so long."""
        self._stage_seconds.labels(stage=name).observe(seconds)

    def ended(self, event: Finished | Failed) -> None:
        """A request has its answer."""
        if isinstance(event, Failed):
            self._requests.labels(outcome=_OUTCOMES.get(type(event.error), "failed")).inc()
            return
        self._requests.labels(outcome="finished").inc()
        self._pictures.inc(len(event.pictures))
        self._pixels.inc(sum(p.pixels_HWC.shape[0] * p.pixels_HWC.shape[1] for p in event.pictures))
