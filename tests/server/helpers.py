"""Small real things that the server's tests send and read.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.datastructures import Headers, UploadFile
from starlette.testclient import TestClient

from limner.imaging.codec import encode
from limner.imaging.reader import read_pixels
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.contract.models import ModelTable
from limner.server.contract.validate import validate
from limner.server.errors import ApiError
from limner.server.http.bodies import Body
from limner.types import Pixels

__all__ = [
    "ICON",
    "MODELS",
    "NAMES",
    "Serve",
    "address_of",
    "data_url",
    "decoded",
    "error_of",
    "events_of",
    "form",
    "json_body",
    "judge",
    "left_mask",
    "living",
    "noise",
    "png",
    "refused",
    "until",
    "upload",
]

Serve: TypeAlias = Callable[..., TestClient]

MODELS = ModelTable("limner-2", created=1_790_000_000)

NAMES = {"D2": "dall-e-2", "D3": "dall-e-3", "G1": "gpt-image-1.5", "G2": "gpt-image-2.6-flare"}
"""A name of each family."""


def noise(height: int = 64, width: int = 64, channels: int = 3) -> Pixels:
    """(H, W, C): noise, so that any change shows."""
    return np.random.default_rng(7).integers(0, 256, (height, width, channels), dtype=np.uint8)


def png(pixels_HWC: Pixels | None = None) -> bytes:
    """A PNG file of these pixels, or of some noise."""
    return encode(noise() if pixels_HWC is None else pixels_HWC)


def left_mask(height: int = 64, width: int = 64) -> bytes:
    """A mask as OpenAI means it: transparent, and so to be painted anew, in the left half."""
    mask_HW4 = np.full((height, width, 4), 255, np.uint8)
    mask_HW4[:, : width // 2, 3] = 0
    return png(mask_HW4)


ICON = png(noise(16, 16))


def data_url(data: bytes) -> str:
    """The file as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def upload(data: bytes = ICON, name: str = "a.png", kind: str = "image/png") -> UploadFile:
    """A file as the form parser hands it over."""
    return UploadFile(BytesIO(data), size=len(data), filename=name, headers=Headers({"content-type": kind}))


def json_body(**values: Any) -> Body:
    """A JSON body."""
    return Body(form="json", values=values)


def form(values: Mapping[str, str], *files: tuple[str, UploadFile]) -> Body:
    """A multipart body."""
    by_name: dict[str, tuple[UploadFile, ...]] = {}
    for name, file in files:
        plain = name.partition("[")[0]
        by_name[plain] = (*by_name.get(plain, ()), file)
    return Body(form="form", values=values, files=by_name, names=(*values, *(name for name, _ in files)))


def judge(route: Route, body: Body, *, strict: bool) -> Call | ApiError:
    """What validation makes of a body."""
    try:
        return validate(route, body, MODELS, strict=strict)
    except ApiError as error:
        return error


def refused(route: Route, body: Body, *, strict: bool) -> ApiError:
    """The error that validation must make of a body."""
    found = judge(route, body, strict=strict)
    assert isinstance(found, ApiError), found
    return found


def error_of(response: Any) -> dict[str, Any]:
    """The error in an answer, which must be in the envelope."""
    envelope = response.json()
    assert set(envelope) == {"error"}
    assert {"message", "type", "param", "code"} <= set(envelope["error"])
    error: dict[str, Any] = envelope["error"]
    return error


def decoded(item: Mapping[str, Any]) -> Pixels:
    """The picture of an item of an answer."""
    return read_pixels(base64.b64decode(item["b64_json"]))


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream, comments left out; a stream must end in a blank line."""
    assert text.endswith("\n\n")
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    lines = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(line["event"], json.loads(line["data"])) for line in lines]


@contextmanager
def living(application: FastAPI) -> Iterator[uvicorn.Server]:
    """A real server on loopback, on a port of its own."""
    server = uvicorn.Server(
        uvicorn.Config(application, port=0, log_config=None, access_log=False, loop="asyncio", http="h11")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


def address_of(server: uvicorn.Server) -> str:
    """Where it listens."""
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


def until(happens: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    for _ in range(6000):
        if happens():
            return
        time.sleep(0.01)
    pytest.fail("it does not happen")
