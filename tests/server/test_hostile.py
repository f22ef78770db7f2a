"""Thousands of requests that nobody should send: each is answered, none with a fault of the server's own.

First validation by itself judges each value of each field, and what it lets through is planned. Then `hostile`'s
requests go through whole servers. Those have drawn what they may, so that whatever is accepted is refused last of
all, and only a sample is drawn.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from limner.engines.fake import FakeEngine
from limner.errors import LimnerError
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.contract.fields import FIELDS
from limner.server.drawing.plan import plan
from limner.server.errors import ApiError, from_limner
from tests.server.helpers import ICON, NAMES, Serve, data_url, error_of, form, json_body, judge, upload
from tests.server.hostile import BASE, GENERATIONS, JUDGED, UNREAD, Group, Sent
from tests.server.hostile_words import TEXTS, VALUES

ABLE = FakeEngine().capabilities
MODES = pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
GROUPS = pytest.mark.parametrize(
    ("group", "strict"),
    [
        *((group, strict) for group in JUDGED for strict in (True, False)),
        *((group, False) for group in UNREAD),
    ],
    ids=lambda value: getattr(value, "__name__", "strict" if value else "lenient"),
)
SAMPLE = 40


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


@MODES
@pytest.mark.parametrize("field", [field.name for field in FIELDS])
def test_every_field_takes_every_value(field: str, *, strict: bool) -> None:
    """As JSON, for each route that knows JSON and for old and new names."""
    for value in VALUES:
        for name in (NAMES["D2"], NAMES["G2"]):
            body = {"model": name, "prompt": "a", "images": [{"image_url": data_url(ICON)}]} | {field: value}
            answered(judge(Route.EDITS, json_body(**body), strict=strict))
            body.pop("images")
            answered(judge(Route.GENERATIONS, json_body(**body), strict=strict))


@MODES
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


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server's data folder; nothing is left among the temporary files of this process."""
    spooled = tmp_path / "temporary"
    spooled.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spooled))
    yield tmp_path / "data"
    assert not list(spooled.iterdir())


def answer_to(client: TestClient, sent: Sent) -> str:
    """The answer: its status is the client's fault at worst, and errors are in the envelope."""
    headers = dict(sent.headers) | ({"content-type": sent.kind.encode()} if sent.kind else {})
    pairs = [(name.encode(), value) for name, value in headers.items()]
    answer = client.request(sent.method, sent.path, content=sent.content, headers=pairs)
    assert answer.status_code < 500, sent
    if answer.status_code >= 400 and sent.method != "HEAD":
        error_of(answer)
    return answer.text


def tidied(client: TestClient) -> None:
    """Delete what was uploaded."""
    for file in client.get("/v1/files").json()["data"]:
        assert client.delete(f"/v1/files/{file['id']}").status_code == 200


def left(folder: Path) -> set[str]:
    """What is left in a server's folder, but for what is there from the start."""
    return {path.name for path in folder.rglob("*") if path.is_file()} - {"signing.key", ".lock"}


@GROUPS
def test_no_request_does_harm(serve: Serve, folder: Path, group: Group, *, strict: bool) -> None:
    """And nothing is left of it."""
    with serve(data_dir=folder, strict=strict, images_per_minute=1) as client:
        assert client.post(GENERATIONS, json=BASE).status_code == 200
        answers = "".join(answer_to(client, sent) for sent in group())
        tidied(client)
    assert left(folder) <= set(re.findall(r"img_\w+\.\w+", answers))


@MODES
def test_what_is_drawn_after_all_does_no_harm(serve: Serve, folder: Path, *, strict: bool) -> None:
    """A sample of all, of which the accepted ones are drawn; there are as many files as links were told."""
    with serve(data_dir=folder, strict=strict) as client:
        sample = list(chain.from_iterable(group() for group in JUDGED))[::SAMPLE]
        answers = "".join(answer_to(client, sent) for sent in sample)
        tidied(client)
    assert left(folder) == set(re.findall(r"img_\w+\.\w+", answers))


def test_there_are_thousands() -> None:
    """Different ones, in each mode."""
    sent = {
        (s.method, s.path, s.kind, s.content, *s.headers.items())
        for group in JUDGED + UNREAD
        for s in group()
    }
    assert len(sent) > 2500
