"""The life of a call, from body to answer: read, judge, admit, draw, encode, hand over.

`generations`, `edits` and `variations` differ only in what `validate` makes of them.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from limner.errors import LimnerError
from limner.hosting.places import Loaded
from limner.imaging.codec import EXTENSIONS
from limner.imaging.picture import Picture
from limner.server.access.auth import Caller
from limner.server.contract.calls import Call
from limner.server.contract.field import FORMS, Route
from limner.server.contract.validate import validate
from limner.server.drawing.answers import Drawn, JsonAnswer, images_response
from limner.server.drawing.encoding import encode_picture
from limner.server.drawing.inputs import Inputs, Loader
from limner.server.drawing.job import Drawing, wait_for_pictures
from limner.server.drawing.judging import admit, check_prompt, dismiss, refusals_counted
from limner.server.drawing.plan import plan
from limner.server.drawing.stream import EventStream
from limner.server.http.bodies import Body, read_body
from limner.server.http.origins import origin_of
from limner.server.services import Services
from limner.types import FileFormat, ImageRequest

__all__ = ["Exchange", "told_aside"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One request to draw, and who answers it.

    Attributes:
        request: as it came in.
        services: what answers it.
        caller: who asks.
        route: where it was sent.
        deployment: the model that an Azure path names, or None.
    """

    request: Request
    services: Services
    caller: Caller
    route: Route
    deployment: str | None = None

    async def answer(self) -> Response:
        """Draw what the body asks for.

        Raises:
            LimnerError: what is wrong with it, or went wrong before the first byte of the answer.
        """
        with refusals_counted(self.services.metrics):
            async with read_body(self.request, forms=FORMS[self.route]) as body:
                call = self._judged(body)
                # Before anything is fetched; on another thread, because a long prompt takes a while.
                request_id = self.request.state.request_id
                await anyio.to_thread.run_sync(check_prompt, self.services.guard, call, request_id)
                inputs = await self._loader().load(call)
        async with self.services.using(call.model) as model:
            with refusals_counted(self.services.metrics):
                wanted = plan(call, model.able, inputs.picture_HWC, inputs.mask_HW)
                headers = await admit(self.services.limiter, self.caller, call) | told_aside(call)
            self.request.state.facts["steps"] = wanted.steps or model.able.default_steps
            drawing = await self._drawing(model, call, wanted)
        self.request.state.facts["job"] = drawing.id
        if call.stream:
            return EventStream(call, drawing, size=wanted.size or (0, 0), source=inputs.size, headers=headers)
        return await self._json(call, drawing, inputs, headers)

    def _judged(self, body: Body) -> Call:
        if self.deployment is not None:
            body = replace(body, values=dict(body.values) | {"model": self.deployment})
        call = validate(self.route, body, self.services.models, strict=self.services.settings.strict)
        facts = {"model": call.model.id, "n": call.n, "user": call.safety_identifier, "stream": call.stream}
        if self.services.settings.log_prompts:
            facts["prompt"] = call.prompt
        self.request.state.facts.update({name: value for name, value in facts.items() if value})
        return call

    def _loader(self) -> Loader:
        uploads, owner = self.services.uploads, self.caller.owner
        return Loader(
            self.services.fetcher.fetch,
            lambda upload_id: uploads.content(upload_id, owner=owner).path,
            strict=self.services.settings.strict,
        )

    async def _drawing(self, model: Loaded, call: Call, wanted: ImageRequest) -> Drawing:
        """The job; if it is not even taken, its pictures do not count."""
        try:
            return Drawing(
                model.loop,
                wanted,
                key=self.caller.key,
                previews=call.partial_images,
                trace=call.output_format if call.trace else None,
                span=self.request.state.span,
                drawn=partial(self.services.count, self.caller.owner),
            )
        except LimnerError:
            await dismiss(self.services.limiter, self.caller, call)
            raise

    async def _json(self, call: Call, drawing: Drawing, inputs: Inputs, headers: dict[str, str]) -> Response:
        with drawing:
            pictures = deque(await wait_for_pictures(drawing, self.request))
        if drawing.unread:
            headers["x-limner-unread"] = str(len(drawing.unread))
        drawn = []
        while pictures:
            # One by one, and each is let go of: their pixels take more memory than their files.
            drawn.append(await self._handed_over(call, pictures.popleft()))
        body = images_response(call, drawn, created=int(time.time()), source=inputs.size)
        return JsonAnswer(body, headers)

    async def _handed_over(self, call: Call, picture: Picture) -> Drawn:
        """The picture as a file, in the answer or behind a link."""
        with self.request.state.span.stage("file_encoding"):
            data = await anyio.to_thread.run_sync(encode_picture, picture, call)
        if call.response_format == "b64_json":
            return Drawn.of(picture, data)
        link = await anyio.to_thread.run_sync(self._stored, data, call.output_format)
        origin = origin_of(self.request, self.services.settings.public_url)
        return Drawn.of(picture, data, origin + link)

    def _stored(self, data: bytes, file_format: FileFormat) -> str:
        store = self.services.store
        return store.url_path(store.put(data, EXTENSIONS[file_format], f"image/{file_format}"))


def told_aside(call: Call) -> dict[str, str]:
    """The header that names what was not honoured; names that a client made up are made safe for it."""
    names = [quote(name, safe="[]!#$&'*+-.^_`|~", errors="replace")[:100] for name in call.set_aside[:50]]
    return {"x-limner-ignored": ", ".join(names)} if names else {}
