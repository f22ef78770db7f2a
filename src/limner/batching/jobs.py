"""A request on its way through a loop, and its pictures on theirs.

Axes in names: C channels, h and w the latent grid.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from uuid import uuid4

from limner.batching.events import Event, Listener
from limner.batching.stages import Course, Fact, Stage
from limner.diffusion.rendering import Rendering
from limner.imaging.picture import Picture
from limner.tracing import TraceRecorder
from limner.types import FileFormat, ImageRequest

__all__ = ["MAX_PREVIEWS", "Canvas", "Job", "preview_steps"]

MAX_PREVIEWS = 3
"""The most previews of one picture."""


def preview_steps(steps: int, previews: int) -> list[int]:
    """After which steps to show a picture: evenly spaced, never at the start or the end, each step once."""
    wanted = (round(steps * number / (previews + 1)) for number in range(1, previews + 1))
    return sorted({step for step in wanted if 0 < step < steps})


class Canvas:
    """One picture of a job while it is drawn.

    Attributes:
        claim: the job.
        index: its number in the job.
        rendering: where it stands.
        recorder: notes how it comes about, if that was asked for.
        course: its stages.
        batch_sizes: how many pictures stepped together when it did.
        finishing: what makes a picture of it, piece by piece, once its steps are made.
        picture: the finished picture, once it is.
    """

    def __init__(self, job: Job, index: int, rendering: Rendering, began: float = 0.0) -> None:
        self.claim = job
        self.index = index
        self.rendering = rendering
        self.recorder: TraceRecorder | None = None
        self.course = Course("image_generation", began)
        self.batch_sizes: frozenset[int] = frozenset()
        self.finishing: Generator[None, None, Picture] | None = None
        self.picture: Picture | None = None
        self._shown = 0
        self._due = preview_steps(rendering.steps, job.previews)

    @property
    def left(self) -> int:
        """The steps left."""
        return self.rendering.steps - self.rendering.step

    def preview_due(self) -> int | None:
        """The number of the preview that is to be shown now, or None. It counts as shown."""
        if self.rendering.done or not self._due or self.rendering.step < self._due[0]:
            return None
        self._due = [step for step in self._due if step > self.rendering.step]
        self._shown += 1
        return self._shown - 1

    def stages(self, now: float) -> list[Stage]:
        """Its stages until now."""
        facts: dict[str, Fact] = {"picture": self.index}
        drawn = facts | {"steps": self.rendering.step, "batch_sizes": tuple(sorted(self.batch_sizes))}
        if self.claim.request.size is not None:
            drawn["size"] = "x".join(map(str, self.claim.request.size))
        generation, *later = self.course.told(now)
        return [replace(generation, facts=drawn), *(replace(stage, facts=facts) for stage in later)]


class Job:
    """What `submit` gives back. A loop keeps its fields; its owner may cancel it.

    Attributes:
        id: names it in logs.
        request: what is to be drawn.
        key, priority, order: for whom, how urgently, and its number in the loop.
        shape, places: as in `policy.Claim`.
        size: its work in all, in places times steps; as planned until it is begun.
        previews, trace: what is wanted besides the pictures.
        listener: who hears of it.
        submitted, deadline: by the loop's clock.
        position: the place in the queue that the listener was last told; 0 before that.
        course: its stages until its pictures are on canvases.
        canvases: its pictures while they are drawn.
        over: its last event is on its way; whoever holds a canvas of it puts it down.
    """

    def __init__(
        self,
        *,
        request: ImageRequest,
        key: str,
        priority: int,
        order: int,
        shape: tuple[int, int, int],
        places: int,
        steps: int,
        previews: int,
        trace: FileFormat | None,
        listener: Listener,
        submitted: float,
        deadline: float,
        cancel: Callable[[Job], None],
    ) -> None:
        self.id = uuid4().hex
        self.request = request
        self.key = key
        self.priority = priority
        self.order = order
        self.shape = shape
        self.places = places
        self.size = request.n * places * steps
        self.previews = previews
        self.trace = trace
        self.listener = listener
        self.submitted = submitted
        self.deadline = deadline
        self.position = 0
        self.course = Course("waiting", submitted)
        self.canvases: tuple[Canvas, ...] = ()
        self.over = False
        self._cancel = cancel

    def cancel(self) -> None:
        """Nobody wants the pictures any more; no harm if they are done. From any thread.

        The listener hears it at once, in a `Failed` with `CancelledError`; the device stops drawing them
        after the step that it is in, at the latest.
        """
        self._cancel(self)

    def begin(self, canvases: Sequence[Canvas]) -> None:
        """The pictures are on their canvases: from now on the work is known exactly."""
        self.canvases = tuple(canvases)
        self.size = self.work

    def end(self) -> None:
        """Let go of everything that takes memory, and of the listener, who as a rule holds the job."""
        self.over = True
        self.canvases = ()
        self.listener = _nobody

    def stages(self, now: float) -> tuple[Stage, ...]:
        """Its stages until now, and those of its pictures."""
        each = [stage for canvas in self.canvases for stage in canvas.stages(now)]
        return (*self.course.told(now), *each)

    @property
    def work(self) -> int:
        """The work left, in places times steps."""
        if not self.canvases:
            return self.size
        return self.places * sum(canvas.left for canvas in self.canvases)

    @property
    def pictures(self) -> int:
        """How many pictures are not done."""
        return sum(not canvas.rendering.done for canvas in self.canvases) or self.request.n

    @property
    def done(self) -> bool:
        """All pictures are finished."""
        return bool(self.canvases) and all(canvas.picture is not None for canvas in self.canvases)


def _nobody(event: Event) -> None:
    """The listener of a job that is over."""
