"""Server-sent events: previews, the finished picture, or an error, and comments that keep the line open.

What clients need (measured on OpenAI's own): no `id:` and no `retry:`, data in every event, a blank line after
the last one, keep-alives as comments, an error nested under `error`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import anyio.to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from limner.batching.events import Event, Failed, Finished, Preview, Queued, Started
from limner.errors import LimnerError
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.contract.usage import usage
from limner.server.drawing.answers import Drawn, Size, resolved
from limner.server.drawing.encoding import encode_picture, encode_preview
from limner.server.drawing.job import Drawing
from limner.server.errors import ApiError, from_limner, internal_error, noted
from limner.server.http.pieces import Base64, JsonPieces

__all__ = ["EventStream", "comment", "completed", "error_event", "partial_image"]

_KEEP_ALIVE_SECONDS = 10.0
_logger = logging.getLogger("limner.server")


def _event(name: str, payload: dict[str, Any]) -> Iterator[bytes]:
    yield f"event: {name}\ndata: ".encode()
    yield from JsonPieces({"type": name} | payload)
    yield b"\n\n"


def _name(call: Call, what: str) -> str:
    return f"{'image_edit' if call.route == Route.EDITS else 'image_generation'}.{what}"


def partial_image(call: Call, data: bytes, index: int, *, size: Size, created: int) -> Iterator[bytes]:
    """A preview, in the finished picture's size and format.

    Args:
        call: what was asked for.
        data: the preview's file.
        index: its number, from 0.
        size: (width, height) of the finished picture.
        created: seconds since 1970.
    """
    payload = {"partial_image_index": index, "b64_json": Base64(data), "created_at": created}
    return _event(_name(call, "partial_image"), payload | resolved(call, size))


def completed(
    call: Call, drawn: Drawn, *, created: int, partials: int, source: Size | None = None
) -> Iterator[bytes]:
    """The finished picture; the last event.

    Args:
        call: what was asked for.
        drawn: the picture.
        created: seconds since 1970.
        partials: how many previews were sent.
        source: the size of the picture that was handed in, or None.
    """
    told = resolved(call, drawn.size)
    counted = usage(call.prompt, quality=told["quality"], size=drawn.size, source=source, partials=partials)
    payload = drawn.file_item() | {"created_at": created, "usage": counted} | told | drawn.extras()
    if call.safety_identifier:
        payload["safety_identifier"] = call.safety_identifier
    return _event(_name(call, "completed"), payload)


def error_event(error: ApiError) -> bytes:
    """What goes wrong after the first byte."""
    payload = {"type": "error"} | error.envelope()
    return f"event: error\ndata: {json.dumps(payload)}\n\n".encode()


def comment(text: str) -> bytes:
    """A line that clients pass over."""
    return f": {text}\n\n".encode()


class EventStream(StreamingResponse):
    """The events of one job; whoever hangs up cancels it.

    Args:
        call: what was asked for.
        drawing: the job.
        size: (width, height) of its picture.
        source: the size of the picture that was handed in, or None.
        headers: further headers.
    """

    def __init__(
        self,
        call: Call,
        drawing: Drawing,
        *,
        size: Size,
        source: Size | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._call = call
        self._drawing = drawing
        self._size = size
        self._source = source
        self._partials = 0
        # What the log says of it; until the last event is sent, that nobody was there for it.
        self._end = {"error": "client_gone"}
        # Proxies must hand events on at once.
        unbuffered = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(
            self._told(), headers=dict(headers or {}) | unbuffered, media_type="text/event-stream"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the last one, or until nobody listens."""
        try:
            with self._drawing:
                await super().__call__(scope, receive, send)
        finally:
            scope["state"]["facts"].update(self._end)

    async def _told(self) -> AsyncIterator[bytes]:
        """The events; from the first byte on, errors are events, too."""
        try:
            is_over = False
            while not is_over:
                event = await self._drawing.next(_KEEP_ALIVE_SECONDS)
                for piece in await self._pieces(event):
                    yield piece
                is_over = isinstance(event, Finished | Failed)
            self._end = {}
        except LimnerError as error:
            self._end = noted(error)
            yield error_event(from_limner(error))
        except Exception:
            _logger.exception("a stream failed")
            self._end = noted(internal_error())
            yield error_event(internal_error())

    async def _pieces(self, event: Event | None) -> Iterator[bytes]:
        match event:
            case Preview():
                return await self._preview(event)
            case Finished():
                return await self._finished(event)
            case Failed():
                raise event.error
            case Queued():
                eta = f", about {event.eta:.1f} s" if event.eta else ""
                return iter([comment(f"position {event.position} in the queue{eta}")])
            case Started(unread=str(unread)) if unread:
                return iter([comment(f"the last {len(unread)} characters of the prompt were not read")])
            case _:
                return iter([comment("keep-alive")])

    async def _preview(self, event: Preview) -> Iterator[bytes]:
        data = await anyio.to_thread.run_sync(encode_preview, event.pixels_HWC, self._call, self._size)
        index, self._partials = self._partials, self._partials + 1
        return partial_image(self._call, data, index, size=self._size, created=int(time.time()))

    async def _finished(self, event: Finished) -> Iterator[bytes]:
        [picture] = event.pictures
        with self._drawing.span.stage("file_encoding"):
            data = await anyio.to_thread.run_sync(encode_picture, picture, self._call)
        drawn = Drawn.of(picture, data)
        now = int(time.time())
        return completed(self._call, drawn, created=now, partials=self._partials, source=self._source)
