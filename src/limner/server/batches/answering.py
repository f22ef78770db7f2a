"""One line of a batch, from its call to its answer: judged, drawn, encoded, as if it had come by itself.

The same code judges, plans and tells as for single calls; here it blocks, on one of the batches' own threads.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import anyio

from limner.bulk.easel import Drawn as Sheets
from limner.bulk.easel import Easel
from limner.errors import CancelledError, LimnerError, ShuttingDownError
from limner.hosting.places import Loaded
from limner.imaging.codec import EXTENSIONS
from limner.imaging.picture import Picture
from limner.server.batches.lines import BatchLine, call_of
from limner.server.contract.calls import Call
from limner.server.drawing.answers import Drawn, images_response
from limner.server.drawing.encoding import encode_picture
from limner.server.drawing.exchange import told_aside
from limner.server.drawing.inputs import Inputs, Loader
from limner.server.drawing.judging import check_prompt
from limner.server.drawing.plan import plan
from limner.server.errors import from_limner, internal_error
from limner.server.services import Services
from limner.storage.batches import Batch

__all__ = ["LINK_SECONDS", "Answer", "Answerer"]

LINK_SECONDS = 48 * 3600
"""How long links to pictures of a batch work at least: from the first line of a batch to a day after its last."""

_logger = logging.getLogger("limner.server")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a line's call is answered with.

    Attributes:
        status: of the answer.
        body: its JSON; `Base64` objects may stand where strings may.
        request_id: how the log calls it.
        headers: what a single call would be told in limner's own headers.
    """

    status: int
    body: Mapping[str, Any]
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """As the line of a file."""
        told = {"status_code": self.status, "request_id": self.request_id, "body": self.body}
        return told | ({"headers": dict(self.headers)} if self.headers else {})


class Answerer:
    """Answers lines, on as many threads as call it.

    Args:
        services: what answers single calls, too.
        priority: larger ones are drawn first.
    """

    def __init__(self, services: Services, *, priority: int) -> None:
        self._services = services
        self._priority = priority
        self._easels: set[Easel] = set()
        self._lock = Lock()
        self._closed = False

    def answer(self, line: BatchLine, batch: Batch) -> Answer:
        """Draw what a line asks for; what is wrong with it is an answer, too.

        Raises:
            CancelledError, ShuttingDownError: nothing is drawn any more; the line is as if it had not begun.
        """
        request_id = f"req_{secrets.token_hex(16)}"
        try:
            body, headers = self._drawn(line, batch, request_id)
        except (CancelledError, ShuttingDownError):
            raise
        except LimnerError as error:
            told = from_limner(error)
            if told.status >= 500:
                _logger.warning("line %s of %s failed: %s", request_id, batch.id, error)
        except Exception:
            _logger.exception("line %s of %s failed", request_id, batch.id)
            told = internal_error()
        else:
            return Answer(status=200, body=body, request_id=request_id, headers=headers)
        return Answer(status=told.status, body=told.envelope(), request_id=request_id)

    def _drawn(self, line: BatchLine, batch: Batch, request_id: str) -> tuple[dict[str, Any], dict[str, str]]:
        services = self._services
        call = call_of(line, batch.endpoint, services.models, strict=services.settings.strict)
        check_prompt(services.guard, call, request_id)
        inputs = self._inputs(call, batch.owner)
        drawn = self._pictures(call, inputs, batch)
        headers = told_aside(call) | ({"x-limner-unread": str(len(drawn.unread))} if drawn.unread else {})
        services.count(batch.owner, drawn.pictures)
        pictures, handed = deque(drawn.pictures), list[Drawn]()
        del drawn
        while pictures:
            # One by one, and each is let go of: their pixels take more memory than their files.
            handed.append(self._handed_over(call, pictures.popleft(), batch))
        return images_response(call, handed, created=int(time.time()), source=inputs.size), headers

    def _pictures(self, call: Call, inputs: Inputs, batch: Batch) -> Sheets:
        """What the call's model draws; however long that takes to be loaded."""
        with self._services.shelf.wanted(self._services.models.drawn_by(call.model), patient=True) as wish:
            model = wish.result()
            wanted = plan(call, model.able, inputs.picture_HWC, inputs.mask_HW)
            with self._easel(model) as easel:
                return easel.draw(wanted, key=batch.key, trace=call.output_format if call.trace else None)

    @contextmanager
    def _easel(self, model: Loaded) -> Iterator[Easel]:
        """An easel that `close` reaches."""
        easel = Easel(model.loop, priority=self._priority)
        with self._lock:
            self._easels.add(easel)
            if self._closed:
                easel.close()
        try:
            yield easel
        finally:
            with self._lock:
                self._easels.remove(easel)

    def close(self) -> None:
        """Draw nothing more, and let go of what is being drawn."""
        with self._lock:
            self._closed = True
            easels = list(self._easels)
        for easel in easels:
            easel.close()

    def _inputs(self, call: Call, owner: str) -> Inputs:
        if call.picture is None:
            return Inputs()
        services = self._services
        loader = Loader(
            services.fetcher.fetch,
            lambda upload_id: services.uploads.content(upload_id, owner=owner).path,
            strict=services.settings.strict,
        )
        return anyio.run(loader.load, call)

    def _handed_over(self, call: Call, picture: Picture, batch: Batch) -> Drawn:
        """The picture as a file, in the answer or behind a link."""
        data = encode_picture(picture, call)
        if call.response_format == "b64_json":
            return Drawn.of(picture, data)
        store, kind = self._services.store, call.output_format
        name = store.put(data, EXTENSIONS[kind], f"image/{kind}", lifetime=LINK_SECONDS)
        return Drawn.of(picture, data, batch.origin + store.url_path(name))
