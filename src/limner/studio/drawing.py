"""From a wish to finished pictures: the same judging, guard, limits and loop as a call to the API.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from typing import Any, TypeAlias

import anyio.to_thread
import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import UploadFile

from limner.batching.events import Event, Failed, Finished, Preview, Queued, Started
from limner.batching.jobs import preview_steps
from limner.errors import CancelledError, DatabaseError, EngineError, InvalidRequestError, LimnerError
from limner.imaging.codec import encode
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.contract.validate import validate
from limner.server.drawing.inputs import Inputs, Loader
from limner.server.drawing.job import Drawing
from limner.server.drawing.judging import admit, dismiss, refusals_counted
from limner.server.drawing.plan import plan
from limner.server.http.bodies import Body
from limner.server.services import Services
from limner.studio.history import History
from limner.studio.made import Made, made_of
from limner.studio.masks import mask_file
from limner.studio.visitor import Visitor
from limner.types import FileFormat, ImageRequest, Pixels

__all__ = ["Drawn", "News", "Progress", "Studio", "Wish", "sentence"]

_PREVIEWS = 3
_logger = logging.getLogger("limner.studio")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Wish:
    """What is to be drawn.

    Attributes:
        route: from words, from a picture and words, or from a picture alone.
        values: the fields of the call, as the API names them.
        picture_HWC: what an edit or a variation starts from.
        mask_HW: True where that is to be drawn anew.
        traced: somebody will look at how it came about.
    """

    route: Route
    values: Mapping[str, Any]
    picture_HWC: Pixels | None = None
    mask_HW: NDArray[np.bool_] | None = None
    traced: bool = True

    def body(self) -> Body:
        """The body that a client would send."""
        if self.picture_HWC is None:
            return Body(form="json", values=self.values)
        files = {"image": (_upload(encode(self.picture_HWC)),)}
        if self.mask_HW is not None:
            files["mask"] = (_upload(mask_file(self.mask_HW)),)
        return Body(form="form", values=self.values, files=files, names=(*self.values, *files))


def _upload(data: bytes) -> UploadFile:
    return UploadFile(BytesIO(data), size=len(data), filename="picture.png")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Progress:
    """Where a drawing stands.

    Attributes:
        told: in words.
        share: how much is done, from 0 to 1.
        previews: picture number -> its newest preview.
    """

    told: str
    share: float
    previews: Mapping[int, Pixels]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Drawn:
    """The end.

    Attributes:
        made: the pictures.
        remark: what else there is to say, or "".
    """

    made: tuple[Made, ...]
    remark: str = ""


News: TypeAlias = Progress | Drawn


@dataclass(frozen=True, kw_only=True, slots=True)
class Studio:
    """What all tabs work with.

    Attributes:
        services: the server's own.
        history: what each browser made.
        running: open page -> what it has drawn just now.
    """

    services: Services
    history: History
    running: dict[str, list[Drawing]] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The name by which pages call the model."""
        return self.services.models.all()[0].id

    async def draw(self, visitor: Visitor, wish: Wish) -> AsyncIterator[News]:
        """Draw, and tell how it goes; whoever stops listening cancels it.

        Raises:
            LimnerError: it cannot be drawn, or was cancelled.
        """
        with refusals_counted(self.services.metrics):
            call, wanted = await self._judged(wish)
            await admit(self.services.limiter, visitor.caller, call)
        async with self._taken(visitor, call, wanted, traced=wish.traced) as drawing:
            followed = _Followed(wanted)
            while True:
                event = await drawing.next()
                if isinstance(event, Failed):
                    raise event.error
                if isinstance(event, Finished):
                    break
                yield followed.told(event)
        made = tuple([await anyio.to_thread.run_sync(made_of, each, call, wanted) for each in event.pictures])
        remark = await anyio.to_thread.run_sync(self._kept, visitor, made)
        yield Drawn(made=made, remark=" ".join(filter(None, [_unread(drawing.unread), remark])))

    def cancel(self, session: str) -> None:
        """Stop what an open page has drawn just now."""
        for drawing in self.running.get(session, ()):
            drawing.cancel()

    async def _judged(self, wish: Wish) -> tuple[Call, ImageRequest]:
        services = self.services
        body = await anyio.to_thread.run_sync(wish.body)
        call = validate(wish.route, body, services.models, strict=False)
        await anyio.to_thread.run_sync(self._guard, call)
        inputs: Inputs = await Loader(services.fetcher.fetch, _no_uploads, strict=False).load(call)
        able = services.able
        wanted = plan(call, able, inputs.picture_HWC, inputs.mask_HW)
        resolved = replace(
            wanted,
            steps=wanted.steps or able.default_steps,
            guidance=able.default_guidance if wanted.guidance is None else wanted.guidance,
        )
        return call, resolved

    def _guard(self, call: Call) -> None:
        verdict = self.services.guard.check(call.prompt, call.moderation)
        if verdict.flagged:
            flagged = (name.partition("/")[0] for name, refused in verdict.categories.items() if refused)
            raise InvalidRequestError(
                f"The prompt guard refuses this prompt ({', '.join(dict.fromkeys(flagged))}): say it in other "
                "words. If that is a mistake, tell the operator of this server.",
                param="prompt",
            )

    @asynccontextmanager
    async def _taken(
        self, visitor: Visitor, call: Call, wanted: ImageRequest, *, traced: bool
    ) -> AsyncIterator[Drawing]:
        """The job, known as this page's while it lasts; if it is not even taken, its pictures do not count."""
        services, caller = self.services, visitor.caller
        try:
            async with services.using(call.model) as model:
                trace: FileFormat | None = "png" if traced and model.able.stepwise else None
                drawing = Drawing(
                    model.loop,
                    wanted,
                    key=caller.key,
                    previews=_PREVIEWS,
                    trace=trace,
                    drawn=partial(services.count, caller.owner),
                )
        except LimnerError:
            await dismiss(services.limiter, caller, call)
            raise
        self.running.setdefault(visitor.session, []).append(drawing)
        try:
            with drawing:
                yield drawing
        finally:
            self.running[visitor.session].remove(drawing)
            if not self.running[visitor.session]:
                del self.running[visitor.session]

    def _kept(self, visitor: Visitor, made: tuple[Made, ...]) -> str:
        """Put the pictures into the history; why that could not be done, or ""."""
        try:
            for each in made:
                self.history.add(visitor.browser, each)
        except LimnerError as error:
            _logger.warning("pictures were not kept in the history: %s", error)
            return f"Not kept in the history: {sentence(error)}"
        return ""


def _no_uploads(_: str) -> Any:
    raise InvalidRequestError("The page sends its pictures itself.", param="image")


class _Followed:
    """Makes news of a job's events."""

    def __init__(self, wanted: ImageRequest) -> None:
        self._n = wanted.n
        self._steps = wanted.steps or 1
        self._shown_at = preview_steps(self._steps, _PREVIEWS)
        self._previews: dict[int, Pixels] = {}
        self._reached = 0

    def told(self, event: Event | None) -> Progress:
        match event:
            case Queued():
                eta = f", done in about {event.eta:.0f} s" if event.eta >= 1 else ""
                return self._progress(f"Waiting: number {event.position} in the queue{eta}.")
            case Preview():
                self._previews[event.picture] = event.pixels_HWC
                if event.index < len(self._shown_at):
                    self._reached = max(self._reached, self._shown_at[event.index])
                return self._progress(f"Drawing: step {self._reached} of {self._steps} is done.")
            case Started():
                return self._progress(f"Drawing: {self._steps} steps from noise to a picture.")
            case _:
                return self._progress("Drawing.")

    def _progress(self, told: str) -> Progress:
        return Progress(told=told, share=self._reached / self._steps, previews=dict(self._previews))


def _unread(unread: str) -> str:
    if not unread:
        return ""
    return (
        f"The model did not read the last {len(unread):,} characters of the prompt: say what matters first."
    )


def sentence(error: Exception) -> str:
    """What to tell of an error on the page: a sentence, and nothing of what is inside."""
    match error:
        case CancelledError():
            return "Cancelled: nothing was drawn, and nothing is kept."
        case EngineError():
            _logger.error("the page's drawing failed", exc_info=error)
            return "The picture could not be drawn: try again, or with other settings."
        case DatabaseError():
            # Its message is for the operator, and in the log.
            _logger.warning("the page waits for the database: %s", error)
            return "The server's database does not answer just now. Try again soon."
        case LimnerError():
            return str(error)
    number = secrets.token_hex(4)
    _logger.error("the page failed (%s)", number, exc_info=error)
    return f"Something went wrong on the server. Try again; if it stays so, tell its operator the number {number}."
