"""Everything that needs the engine: stages 2 to 4 for jobs and their canvases. For one thread.

Axes in names: B batch, C channels, H height, W width (h, w on the latent grid).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from limner.batching.cache import FeatureCache
from limner.batching.jobs import Canvas, Job
from limner.batching.metrics import Metrics
from limner.engines.stepping import Look, step_together
from limner.imaging.picture import Picture
from limner.pipeline import Pipeline
from limner.tracing import TraceRecorder
from limner.types import Floats, ImageRequest, Pixels, TextFeatures

__all__ = ["Device"]


class Device:
    """The pipeline at the hands of a loop: measured, and with a memory for prompts.

    Args:
        pipeline: draws.
        metrics: learns how long it took.
        clock: the time in seconds.
    """

    def __init__(self, pipeline: Pipeline, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._pipeline = pipeline
        self._metrics = metrics
        self._clock = clock
        self._cache = FeatureCache()

    def begin(self, job: Job) -> tuple[list[Canvas], str]:
        """Encode the job's prompt, once for all its pictures, and put each on a canvas.

        Returns:
            The canvases, and the end of the prompt that did not fit into the encoder's window.
        """
        features = self._features(job.request)
        now = self._clock()
        job.course.leave(now)
        self._metrics.stage("text_encoding", job.course.seconds["text_encoding"])
        renderings = self._pipeline.start(job.request, features)
        for rendering in renderings:
            rendering.unwanted = lambda: job.over
        canvases = [Canvas(job, index, rendering, now) for index, rendering in enumerate(renderings)]
        if job.trace is not None:
            for canvas in canvases:
                canvas.recorder = TraceRecorder(
                    self._pipeline.engine, features, [canvas.rendering], job.request.sampler
                )
        return canvases, features.unread

    def _features(self, request: ImageRequest) -> TextFeatures:
        if not request.prompt:
            # A variation: what stands in for the prompt is a picture, and those hardly ever come twice.
            return self._pipeline.encode_text(request)
        key = (self._pipeline.engine.capabilities.model, request.prompt, request.negative_prompt)
        hits = self._cache.hits
        features = self._cache.get(key, lambda: self._pipeline.encode_text(request))
        self._metrics.looked_up(hit=self._cache.hits > hits)
        return features

    def step(self, canvases: Sequence[Canvas]) -> tuple[Look, float]:
        """One step of each, in one engine call: what the engine saw, and how many seconds it took.

        A canvas with a recorder must come alone.
        """
        began = self._clock()
        look = step_together(self._pipeline.engine, [canvas.rendering for canvas in canvases])
        seconds = self._clock() - began
        self._metrics.stepped(canvases[0].claim.shape, len(canvases), seconds)
        for canvas in canvases:
            canvas.batch_sizes |= {len(canvases)}
            if canvas.recorder is not None:
                canvas.recorder.record(look)
        return look, seconds

    def preview(self, canvas: Canvas, x0_Chw: Floats) -> Pixels:
        """The picture as the engine expects it to become, at its final size."""
        [tensor_HWC] = self._pipeline.engine.decode(x0_Chw[None])
        return self._pipeline.fitted(tensor_HWC, canvas.claim.request)

    def finish(self, canvas: Canvas) -> Generator[None, None, Picture]:
        """Decode, enlarge and fit a picture whose steps are made, piece by piece.

        Alone: so no neighbour can change it or fail it.
        """
        job, course = canvas.claim, canvas.course
        course.enter("image_decoding", self._clock())
        [tensor_HWC] = self._pipeline.engine.decode(canvas.rendering.x_Chw[None])
        picture = yield from self._pipeline.finishing(job.request, canvas.rendering, tensor_HWC)
        now = self._clock()
        course.leave(now)
        for name, seconds in course.seconds.items():
            self._metrics.stage(name, seconds)
        timings = job.course.seconds | course.seconds | {"total": now - job.submitted}
        picture = replace(picture, timings=timings)
        if canvas.recorder is not None and job.trace is not None:
            [picture] = canvas.recorder.tell([picture], tensor_HWC.shape, job.trace)
        return picture
