"""Thousands of requests that nobody should send: each is answered, none with a fault of the server's own.

What validation lets through is planned as well; nothing is drawn, so that all of it takes a second.
"""

from __future__ import annotations

import json
import random
import struct
import zlib
from io import BytesIO
from typing import Any

import anyio
import pytest
from PIL import Image
from starlette.testclient import TestClient

from limner.engines.fake import FakeEngine
from limner.errors import LimnerError
from limner.server.calls import Call
from limner.server.errors import ApiError, from_limner
from limner.server.fetch import Fetcher
from limner.server.field import Route
from limner.server.fields import FIELDS
from limner.server.inputs import Loader
from limner.server.plan import plan
from tests.server.helpers import ICON, NAMES, data_url, error_of, form, json_body, judge, noise, png, upload

ABLE = FakeEngine().capabilities

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.0, -0.5, 1.5, 1e308, float("inf"),
    "", " ", "\0", "\ud800", "\u202e", "a" * 33_000, "🐕" * 20_000, "null", "true", "1", "-1", "1e9", "NaN",
    "../../etc/passwd", "' OR 1=1", "<script>", "%s%n", "${jndi:x}", "0x0", "99999x99999", "1x1x1", "\u0661x\u0661",
    [], [[]], [None], {}, {"a": {"b": {}}}, {"image_url": 1}, {"file_id": "../x"}, {"image_url": "file:///etc/passwd"},
)  # fmt: skip

TEXTS = [value for value in VALUES if isinstance(value, str)]


def answered(found: Call | ApiError) -> None:
    """The call can be planned, or the error is the client's."""
    if isinstance(found, ApiError):
        told(found)
        return
    try:
        plan(found, ABLE)
    except LimnerError as error:
        told(error)


def told(error: LimnerError) -> None:
    """It is the client's fault, and can be written."""
    found = from_limner(error)
    assert 400 <= found.status < 500
    json.dumps(found.envelope())


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
@pytest.mark.parametrize("field", [field.name for field in FIELDS])
def test_every_field_takes_every_value(field: str, *, strict: bool) -> None:
    """As JSON, for each route that knows JSON and for old and new names."""
    for value in VALUES:
        for name in (NAMES["D2"], NAMES["G2"]):
            body = {"model": name, "prompt": "a", "images": [{"image_url": data_url(ICON)}]} | {field: value}
            answered(judge(Route.EDITS, json_body(**body), strict=strict))
            body.pop("images")
            answered(judge(Route.GENERATIONS, json_body(**body), strict=strict))


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
@pytest.mark.parametrize("field", [field.name for field in FIELDS])
def test_every_field_of_a_form_takes_every_text(field: str, *, strict: bool) -> None:
    """And a file in its place."""
    for text in TEXTS:
        body = form({"model": NAMES["G2"], "prompt": "a"} | {field: text}, ("image", upload()))
        answered(judge(Route.EDITS, body, strict=strict))
        answered(judge(Route.VARIATIONS, form({field: text}, ("image", upload())), strict=strict))
    body = form({"prompt": "a"}, ("image", upload()), (field, upload()))
    answered(judge(Route.EDITS, body, strict=strict))


def test_random_bodies_are_answered() -> None:
    """Several wrong fields at a time, and names that are none."""
    rng = random.Random(7)
    names = [field.name for field in FIELDS] + ["", "a[b]", "image[]", "__proto__", "\ud800"]
    for _ in range(500):
        body = {name: rng.choice(VALUES) for name in rng.sample(names, 5)}
        answered(judge(rng.choice(list(Route)), json_body(**body), strict=rng.random() < 0.5))


def bomb() -> bytes:
    """A PNG that says it has 60,000 x 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def animated() -> bytes:
    """A GIF of two pictures."""
    buffer = BytesIO()
    Image.new("P", (8, 8)).save(buffer, "GIF", save_all=True, append_images=[Image.new("P", (8, 8), 1)])
    return buffer.getvalue()


def broken_pictures() -> list[bytes]:
    """Cut, bent and lying files."""
    rng = random.Random(7)
    whole = png(noise(16, 16))
    cut = [whole[: rng.randrange(len(whole))] for _ in range(30)]
    bent = []
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(8, len(data))] = rng.randrange(256)
        bent.append(bytes(data))
    lying = [
        b"\xff\xd8\xff" + whole,
        b"RIFF\0\0\0\0WEBP" + whole,
        b"GIF89a" + whole,
        whole + b"<?php",
        bomb(),
    ]
    return [b"", *cut, *bent, *lying, animated()]


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_broken_pictures_are_the_senders_fault(*, strict: bool) -> None:
    """Whatever is in the file, it is read or refused."""
    loader = Loader(Fetcher().fetch, lambda _: pytest.fail("nothing was uploaded"), strict=strict)

    async def load_all() -> None:
        for data in broken_pictures():
            sent = form(
                {"model": "gpt-image-2", "prompt": "a"}, ("image", upload(data)), ("mask", upload(data))
            )
            call = judge(Route.EDITS, sent, strict=strict)
            assert isinstance(call, Call)
            try:
                await loader.load(call)
            except LimnerError as error:
                told(error)

    anyio.run(load_all)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"--b",
        b"--b--\r\n",
        b"--b\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nx',
        b"--b\r\nContent-Disposition: form-data; name=\"image\xff\"; filename*=UTF-8''%ff\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"x" * 20_000 + b": 1\r\n\r\nx\r\n--b--\r\n",
        b"--c\r\n" * 1000,
    ],
)
def test_broken_forms_are_answered(lenient: TestClient, content: bytes) -> None:
    """Through the whole application, and no file is left behind."""
    for path in ("/v1/images/edits", "/v1/images/variations", "/v1/files"):
        headers = {"content-type": "multipart/form-data; boundary=b"}
        answer = lenient.post(path, content=content, headers=headers)
        assert 400 <= answer.status_code < 500
        error_of(answer)
