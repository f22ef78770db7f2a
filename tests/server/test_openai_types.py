"""Real answers against the types of OpenAI's own Python client, which are made from its published schema.

Read strictly: every required field is there and of its very type, every value among the documented ones, and no
field is there that the types do not know but those of limner's own that are named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openai.pagination import SyncCursorPage, SyncPage
from openai.types import (
    FileDeleted,
    FileObject,
    ImageEditCompletedEvent,
    ImageEditPartialImageEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
    ImagesResponse,
    Model,
    ModerationCreateResponse,
)
from openai.types.shared import ErrorObject
from pydantic import BaseModel
from starlette.testclient import TestClient

from tests.server.helpers import ICON, NAMES, Serve, data_url, error_of, events_of, left_mask, png

OWN = {"seed", "trace"}
"""What limner adds to each picture."""

GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
ASK = {"prompt": "a cat", "size": "64x64"}
EVENTS: dict[str, type[BaseModel]] = {
    "image_generation.partial_image": ImageGenPartialImageEvent,
    "image_generation.completed": ImageGenCompletedEvent,
    "image_edit.partial_image": ImageEditPartialImageEvent,
    "image_edit.completed": ImageEditCompletedEvent,
}


def unknown(value: Any) -> Iterator[str]:
    """The names of all fields, however deep, that the types do not have."""
    if isinstance(value, BaseModel):
        yield from value.model_extra or {}
        for name in type(value).model_fields:
            yield from unknown(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from unknown(item)


def read(text: str, kind: type[BaseModel], *own: str) -> Any:
    """The answer as this type, read strictly; only these fields may be there besides."""
    found = kind.model_validate_json(text, strict=True)
    assert set(unknown(found)) <= set(own)
    return found


def posted(client: TestClient, path: str, **body: Any) -> str:
    """The answer to a JSON body, which must be a good one."""
    answer = client.post(path, json=ASK | body)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("response_format", ["url", "b64_json"])
@pytest.mark.parametrize("name", NAMES.values())
def test_pictures(lenient: TestClient, name: str, response_format: str) -> None:
    """Of each family, either way; with everything else that can be in an answer."""
    more = {"n": 2, "trace": True, "safety_identifier": "someone"}
    text = posted(lenient, GENERATIONS, model=name, response_format=response_format, **more)
    answer = read(text, ImagesResponse, *OWN)
    assert all(getattr(item, response_format) for item in answer.data)
    assert (answer.usage is None) == name.startswith("dall-e")


@pytest.mark.parametrize("quality", ["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"])
def test_qualities(lenient: TestClient, quality: str) -> None:
    """What is echoed is one that OpenAI has."""
    read(posted(lenient, GENERATIONS, model="gpt-image-2.6-flare", quality=quality), ImagesResponse, *OWN)


@pytest.mark.parametrize("output_format", ["png", "webp", "jpeg"])
def test_formats(lenient: TestClient, output_format: str) -> None:
    """The format, too."""
    read(posted(lenient, GENERATIONS, model="gpt-image-2", output_format=output_format), ImagesResponse, *OWN)


def test_strict_mode(strict: TestClient) -> None:
    """Nothing of limner's own but the seed."""
    text = posted(strict, GENERATIONS, model="gpt-image-2", size="1024x1024", quality="low")
    read(text, ImagesResponse, "seed")


@pytest.mark.parametrize("name", [NAMES["D2"], NAMES["G1"], NAMES["G2"]])
def test_edits_and_variations(lenient: TestClient, name: str) -> None:
    """A form, JSON, and a variation."""
    files = {"image": png(), "mask": left_mask()}
    form = lenient.post(EDITS, data={"prompt": "a cat", "model": name}, files=files)
    read(form.text, ImagesResponse, *OWN)
    read(posted(lenient, EDITS, model=name, images=[{"image_url": data_url(ICON)}]), ImagesResponse, *OWN)
    varied = lenient.post("/v1/images/variations", data={"model": name}, files={"image": png()})
    read(varied.text, ImagesResponse, *OWN)


@pytest.mark.parametrize(
    ("path", "more"), [(GENERATIONS, {}), (EDITS, {"images": [{"image_url": data_url(ICON)}]})]
)
def test_events(lenient: TestClient, path: str, more: dict[str, Any]) -> None:
    """Each of its own type; the usage of a finished one says as much as in an answer without a stream."""
    asked = {
        "model": "gpt-image-2",
        "stream": True,
        "partial_images": 2,
        "steps": 8,
        "trace": True,
        "user": "someone",
    }
    answer = lenient.post(path, json=ASK | asked | more)
    texts = [line.removeprefix("data: ") for line in answer.text.split("\n") if line.startswith("data: ")]
    names = [name for name, _ in events_of(answer.text)]
    assert len(names) == 3
    for name, text in zip(names, texts, strict=True):
        assert read(text, EVENTS[name], *OWN, "output_tokens_details").type == name


def test_models(lenient: TestClient) -> None:
    """The list, and each of it."""
    listed = read(lenient.get("/v1/models").text, SyncPage[Model], "capabilities")
    for model in listed.data:
        assert read(lenient.get(f"/v1/models/{model.id}").text, Model, "capabilities") == model


def test_files(lenient: TestClient) -> None:
    """Sent, listed, looked at and deleted."""
    form = {"purpose": "vision", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    sent = read(lenient.post("/v1/files", data=form, files={"file": ICON}).text, FileObject)
    listed = read(lenient.get("/v1/files").text, SyncCursorPage[FileObject], "first_id", "last_id", "object")
    assert sent in listed.data
    assert read(lenient.get(f"/v1/files/{sent.id}").text, FileObject) == sent
    assert read(lenient.delete(f"/v1/files/{sent.id}").text, FileDeleted).deleted


def test_what_there_is_not_of_a_file_is_left_out(lenient: TestClient) -> None:
    """The client's types would take null; the published schema does not."""
    sent = lenient.post("/v1/files", data={"purpose": "vision"}, files={"file": ICON}).json()
    assert "expires_at" not in sent
    assert lenient.get(f"/v1/files/{sent['id']}").json() == sent
    assert sent in lenient.get("/v1/files").json()["data"]
    lenient.delete(f"/v1/files/{sent['id']}")


@pytest.mark.parametrize(
    "given", ["a cat", ["a cat", "gore and mutilation"], [{"type": "text", "text": "a"}]]
)
def test_moderations(lenient: TestClient, given: Any) -> None:
    """All thirteen categories, with scores and what they were judged by."""
    read(lenient.post("/v1/moderations", json={"input": given}).text, ModerationCreateResponse)


@pytest.mark.parametrize(
    ("path", "body", "status", "own"),
    [
        (GENERATIONS, {}, 400, []),
        (GENERATIONS, {"prompt": "gore and mutilation", "model": "gpt-image-2"}, 400, ["moderation_details"]),
        ("/v1/nothing", {}, 404, []),
        ("/v1/models", {}, 405, []),
        ("/v1/files", {}, 415, []),
    ],
)
def test_errors(lenient: TestClient, path: str, body: dict[str, Any], status: int, own: list[str]) -> None:
    """All four fields, as strings or null."""
    answer = lenient.post(path, json=body)
    assert answer.status_code == status
    found = ErrorObject.model_validate(error_of(answer), strict=True)
    assert list(unknown(found)) == own


def test_an_error_about_the_key(serve: Serve) -> None:
    """The same."""
    with serve(api_keys=("lk-secret",)) as client:
        found = ErrorObject.model_validate(error_of(client.get("/v1/models")), strict=True)
    assert not list(unknown(found))
