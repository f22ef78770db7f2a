"""`limner deploy`: what clients see of many replicas is what they see of one server."""

from __future__ import annotations

import base64
import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from openai.types import ImageGenCompletedEvent, ImageGenPartialImageEvent

from limner.imaging.reader import read_pixels
from tests.cluster.helpers import Deployed
from tests.server.helpers import left_mask, noise, png, until

pytestmark = pytest.mark.timeout(240)

SMALL: dict[str, Any] = {"model": "gpt-image-2", "size": "32x32"}
"""A picture that costs little; whoever asks adds the prompt."""

OWN = ("date", "openai-processing-ms", "server", "x-request-id")
"""Headers that are of one answer, or of whoever speaks HTTP."""


def pixels(text: str | None) -> Any:
    """The picture of a `b64_json`."""
    assert text is not None
    return read_pixels(base64.b64decode(text))


def test_pictures_are_those_of_the_library(client: OpenAI) -> None:
    """The same seed gives the same picture on every replica, and the answer has its usual fields."""
    answers = [client.images.generate(**SMALL, prompt="a red boat", extra_body={"seed": 7}) for _ in range(6)]
    assert len({answer.data[0].b64_json for answer in answers if answer.data}) == 1
    assert answers[0].usage is not None


def test_edits(client: OpenAI) -> None:
    """A form with two files comes through; outside the mask the picture does not change by a bit."""
    answer = client.images.edit(
        model="gpt-image-1",
        image=BytesIO(png(noise(96, 96))),
        mask=BytesIO(left_mask(96, 96)),
        prompt="a red boat",
    )
    assert answer.data is not None
    drawn_HWC = pixels(answer.data[0].b64_json)
    assert (drawn_HWC[:, 48:] == noise(96, 96)[:, 48:]).all()


def test_streams(client: OpenAI) -> None:
    """Previews, then the picture."""
    with client.images.generate(**SMALL, prompt="a red boat", stream=True, partial_images=2) as stream:
        kinds = [type(event) for event in stream]
    assert kinds == [ImageGenPartialImageEvent] * 2 + [ImageGenCompletedEvent]


def test_streams_come_piece_by_piece(deployed: Deployed, standing: None, gate: Path) -> None:
    """The first bytes are there while the picture is not: nothing on the way waits for the end."""
    del standing
    with urllib.request.urlopen(_asked(deployed, prompt="stand", stream=True)) as answer:  # noqa: S310  ours
        assert answer.readline().startswith(b":")
        gate.touch()
        assert b"image_generation.completed" in answer.read()


def test_an_answer_has_one_id(client: OpenAI) -> None:
    """The one that the log has."""
    raw = client.images.with_raw_response.generate(**SMALL, prompt="a boat")
    assert raw.request_id is not None
    assert "," not in raw.request_id


REFUSED: list[tuple[str, str, bytes, dict[str, str]]] = [
    ("POST", "/v1/images/generations", b'{"prompt": "a", "size": "1x1"}', {}),
    ("POST", "/v1/images/generations", b'{"prompt": "a", "n": "two", "model": "dall-e-2"}', {}),
    ("POST", "/v1/images/generations", b"{", {}),
    ("POST", "/v1/images/generations", b'{"prompt": "a", "model": "nothing"}', {}),
    ("POST", "/v1/images/generations", b'{"prompt": "a"}', {"authorization": "Bearer wrong"}),
    ("POST", "/v1/images/edits", b'{"prompt": "a", "images": [{"file_id": "file-0"}]}', {}),
    ("GET", "/v1/images/generations", b"", {}),
    ("GET", "/v1/nothing", b"", {}),
    ("GET", "/v1/files/file-0", b"", {}),
    ("GET", "/v1/files/images/img_1.png?signature=1", b"", {}),
    ("POST", "/v1/images/generations", b"x", {"content-type": "text/plain"}),
]


@pytest.mark.parametrize("request_", REFUSED, ids=range(len(REFUSED)))
def test_errors_come_through_unchanged(
    deployed: Deployed, live: str, request_: tuple[str, str, bytes, dict[str, str]]
) -> None:
    """Status, headers and body of each are those of a single server."""
    through, alone = (_refused(address, *request_) for address in (deployed.address, live))
    assert through == alone
    assert "error" in json.loads(alone[2])


def _refused(
    address: str, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    usual = {"authorization": "Bearer lk-live", "content-type": "application/json"}
    request = urllib.request.Request(  # noqa: S310  an address of ours
        address + path, data=body or None, method=method, headers=usual | headers
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310
    with caught.value as error:
        told = {name.lower(): value for name, value in error.headers.items() if name.lower() not in OWN}
        return error.code, told, error.read()


def test_links_work_on_every_replica(client: OpenAI, deployed: Deployed) -> None:
    """Each replica that is asked finds in the object storage what another has drawn, and nothing on this disk."""
    answer = client.images.generate(
        model="dall-e-2", prompt="a red boat", size="256x256", response_format="url"
    )
    assert answer.data is not None
    link = answer.data[0].url
    assert link is not None
    assert link.startswith(deployed.address)
    for _ in range(8):
        shutil.rmtree(deployed.folder / "copies" / "images")
        (deployed.folder / "copies" / "images").mkdir()
        with urllib.request.urlopen(link) as fetched:  # noqa: S310  a link of ours
            assert read_pixels(fetched.read()).shape == (256, 256, 3)


def test_files_work_on_every_replica(client: OpenAI) -> None:
    """Uploaded to one, read and deleted on any."""
    upload = client.files.create(file=("a.png", png()), purpose="vision")
    for _ in range(6):
        assert client.files.retrieve(upload.id).bytes == len(png())
        assert client.files.content(upload.id).read() == png()
    client.files.delete(upload.id)
    assert upload.id not in [each.id for _ in range(6) for each in client.files.list()]


def test_who_hangs_up_stops_the_drawing(
    deployed: Deployed, client: OpenAI, standing: None, gate: Path
) -> None:
    """The replica learns of it while the picture stands still, and does not finish it."""
    del standing
    gone = deployed.log.read_text().count('"status": 499')
    with _asking(deployed, prompt="stand", steps=50):
        until(lambda: deployed.busiest() == 1)
    until(lambda: deployed.log.read_text().count('"status": 499') > gone)
    gate.touch()
    cancelled = re.compile(r'limner_requests_total\{outcome="cancelled"\} [1-9]')
    until(lambda: cancelled.search(deployed.get("/metrics")) is not None)
    assert client.images.generate(**SMALL, prompt="a boat").data


@contextmanager
def _asking(deployed: Deployed, **fields: Any) -> Iterator[None]:
    """Ask, and hang up at the end of the block."""
    from http.client import HTTPConnection

    request = _asked(deployed, **fields)
    connection = HTTPConnection(request.host)
    connection.request("POST", request.selector, request.data, dict(request.header_items()))
    try:
        yield
    finally:
        connection.close()


def _asked(deployed: Deployed, **fields: Any) -> urllib.request.Request:
    headers = {"authorization": "Bearer lk-live", "content-type": "application/json"}
    body = json.dumps(SMALL | fields).encode()
    return urllib.request.Request(f"{deployed.address}/v1/images/generations", body, headers)  # noqa: S310
