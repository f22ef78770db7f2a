"""The bridge between the event loop, where requests live, and the device's loop, where pictures are drawn.

The device's threads report to a listener; each event crosses over to the request's event loop and waits in a
queue there. Whoever stops listening, for whatever reason, cancels the job.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Self

import anyio
from starlette.requests import Request

from limner.batching.base import Loop
from limner.batching.events import Event, Failed, Finished, Started
from limner.imaging.picture import Picture
from limner.server.errors import ClientGoneError
from limner.server.telemetry import RequestSpan
from limner.types import FileFormat, ImageRequest

__all__ = ["Drawing", "wait_for_pictures"]


class Drawing:
    """One job as its request sees it: a context manager at whose end nobody wants its pictures any more.

    Args:
        loop: who draws.
        request: what.
        key: for whom; those of different keys take turns.
        previews: how many are wanted on the way.
        trace: whether it is to be told how they came about, down to a file of this format.
        span: hears of its stages; None is nobody.
        drawn: called with the pictures when all are done, on the device's thread.

    Attributes:
        span: the same.
        id: names the job in the log.
        unread: the end of the prompt that the model does not read.

    Raises:
        QueueFullError: too many are waiting.
        ShuttingDownError: no new work is taken.
    """

    def __init__(
        self,
        loop: Loop,
        request: ImageRequest,
        *,
        key: str = "",
        previews: int = 0,
        trace: FileFormat | None = None,
        span: RequestSpan | None = None,
        drawn: Callable[[tuple[Picture, ...]], None] | None = None,
    ) -> None:
        self.span = span or RequestSpan()
        self.unread = ""
        self._drawn = drawn
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._event_loop = asyncio.get_running_loop()
        self._job = loop.submit(request, key=key, previews=previews, trace=trace, listener=self._listen)

    @property
    def id(self) -> str:  # noqa: D102  see the class
        return self._job.id

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Nobody wants the pictures any more; no harm if they are done."""
        self._job.cancel()

    def _listen(self, event: Event) -> None:
        try:
            self._account(event)
        finally:
            # Last, because who reads the last event ends the request. The event loop may be closed by then; nobody
            # waits any more.
            with contextlib.suppress(RuntimeError):
                self._event_loop.call_soon_threadsafe(self._events.put_nowait, event)

    def _account(self, event: Event) -> None:
        """Told here, because who hangs up reads no last event."""
        if isinstance(event, Finished | Failed):
            self.span.drawn(event)
        if isinstance(event, Finished) and self._drawn is not None:
            self._drawn(event.pictures)

    async def next(self, seconds: float | None = None) -> Event | None:
        """The next event, or None if there is none within so many seconds; the last is Finished or Failed."""
        try:
            event = await asyncio.wait_for(self._events.get(), seconds)
        except TimeoutError:
            return None
        if isinstance(event, Started):
            self.unread = event.unread
        return event

    async def end(self) -> Finished | Failed:
        """Wait for the last event."""
        while True:
            event = await self.next()
            if isinstance(event, Finished | Failed):
                return event


async def wait_for_pictures(drawing: Drawing, client: Request) -> tuple[Picture, ...]:
    """Wait until all is drawn.

    Args:
        drawing: the job.
        client: the request, whose body has been read; waiting ends when its client hangs up.

    Raises:
        ClientGoneError: it did.
        LimnerError: why the pictures could not be drawn.
    """
    outcome: Finished | Failed | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_cancel_at_disconnect, client, group.cancel_scope)
        outcome = await drawing.end()
        group.cancel_scope.cancel()
    if outcome is None:
        raise ClientGoneError("the client closed the connection before its pictures were drawn")
    if isinstance(outcome, Failed):
        raise outcome.error
    return outcome.pictures


async def _cancel_at_disconnect(client: Request, scope: anyio.CancelScope) -> None:
    while (await client.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
