"""OpenAI's own Python client against a real server on loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from openai.types import ImageEditCompletedEvent, ImageGenCompletedEvent, ImageGenPartialImageEvent

from limner.imaging.reader import read_pixels
from tests.server.helpers import left_mask, noise, png, until


@pytest.fixture(scope="module")
def client(live: str) -> Iterator[OpenAI]:
    """The client, told nothing but where to go."""
    with OpenAI(base_url=f"{live}/v1", api_key="lk-live", max_retries=0) as found:
        yield found


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture on disk."""
    path = tmp_path / "photo.png"
    path.write_bytes(png(noise(96, 96)))
    return path


def pixels(text: str | None) -> Any:
    """The picture of a `b64_json`."""
    assert text is not None
    return read_pixels(base64.b64decode(text))


def test_generate(client: OpenAI) -> None:
    """Typed answers, with usage and resolved values."""
    answer = client.images.generate(model="gpt-image-1", prompt="a red boat", size="1024x1024", quality="low")
    assert answer.data is not None
    assert pixels(answer.data[0].b64_json).shape == (1024, 1024, 3)
    assert (answer.size, answer.quality, answer.output_format) == ("1024x1024", "low", "png")
    assert answer.usage is not None
    assert answer.usage.output_tokens == 272


def test_generate_as_an_old_program_does(client: OpenAI) -> None:
    """DALL·E 3 with all its fields, a link that can be fetched without a key, and a revised prompt."""
    answer = client.images.generate(
        model="dall-e-3",
        prompt="a red boat",
        n=1,
        size="1024x1024",
        quality="standard",
        style="vivid",
        response_format="url",
        user="someone",
    )
    assert answer.data is not None
    assert answer.data[0].revised_prompt == "a red boat"
    with urllib.request.urlopen(answer.data[0].url or "") as fetched:  # noqa: S310  a link of ours
        assert read_pixels(fetched.read()).shape == (1024, 1024, 3)


def test_generate_with_nulls_and_extensions(client: OpenAI) -> None:
    """What is None is sent as null; what the client does not know goes through `extra_body`."""
    answers = [
        client.images.generate(
            model="gpt-image-2", prompt="a red boat", n=None, size="32x32", extra_body={"seed": 7, "steps": 2}
        )
        for _ in range(2)
    ]
    first, second = (answer.data[0] for answer in answers if answer.data)
    assert first.b64_json == second.b64_json
    assert first.model_extra == {"seed": 7}


def test_generate_at_the_same_time(live: str) -> None:
    """The asynchronous client, four at once."""

    async def draw() -> list[Any]:
        async with AsyncOpenAI(base_url=f"{live}/v1", api_key="lk-live", max_retries=0) as client:
            calls = [
                client.images.generate(model="gpt-image-2", prompt=f"boat {number}", size="32x32")
                for number in range(4)
            ]
            return await asyncio.gather(*calls)

    answers = asyncio.run(draw())
    assert len({answer.data[0].b64_json for answer in answers}) == 4


def test_generate_as_a_stream(client: OpenAI) -> None:
    """Previews, then the picture, as the client's own types."""
    with client.images.generate(
        model="gpt-image-1", prompt="a red boat", size="32x32", stream=True, partial_images=2
    ) as stream:
        events = list(stream)
    assert [type(event) for event in events] == [ImageGenPartialImageEvent] * 2 + [ImageGenCompletedEvent]
    assert events[-1].usage.total_tokens == 3 + 2 + 200  # type: ignore[union-attr]
    assert {pixels(event.b64_json).shape for event in events} == {(32, 32, 3)}


def test_raw_answers_have_the_known_headers(client: OpenAI) -> None:
    """The id that goes into a bug report, what was set aside, and what is left of the limit."""
    raw = client.images.with_raw_response.generate(
        model="gpt-image-2", prompt="a boat", size="32x32", extra_body={"cfg_scale": 7}
    )
    assert raw.request_id is not None
    assert raw.request_id.startswith("req_")
    assert raw.headers["x-limner-ignored"] == "cfg_scale"
    assert raw.headers["x-ratelimit-limit-images"] == "1000"
    assert raw.parse().created > 0


@pytest.mark.parametrize(
    "hand_in",
    [
        lambda path: path,
        lambda path: path.read_bytes(),
        lambda path: BytesIO(path.read_bytes()),
        lambda path: [path],
        lambda path: ("photo.png", path.read_bytes(), "image/png"),
    ],
    ids=["path", "bytes", "BytesIO", "list", "tuple"],
)
def test_edit(client: OpenAI, photo: Path, hand_in: Callable[[Path], Any]) -> None:
    """However the picture is handed in; outside the mask it does not change by a bit."""
    picture = hand_in(photo)
    answer = client.images.edit(
        model="gpt-image-1", image=picture, mask=BytesIO(left_mask(96, 96)), prompt="a red boat"
    )
    assert answer.data is not None
    drawn_HWC = pixels(answer.data[0].b64_json)
    assert (drawn_HWC[:, 48:] == noise(96, 96)[:, 48:]).all()
    assert (drawn_HWC[:, :48] != noise(96, 96)[:, :48]).any()


def test_edit_as_a_stream(client: OpenAI, photo: Path) -> None:
    """Events of their own type."""
    stream = client.images.edit(model="gpt-image-1", image=photo, prompt="a red boat", stream=True)
    assert [type(event) for event in stream] == [ImageEditCompletedEvent]


def test_vary(client: OpenAI, photo: Path) -> None:
    """The retired route still draws."""
    with pytest.warns(DeprecationWarning, match="deprecated"):
        answer = client.images.create_variation(image=photo, n=2, size="256x256")
    assert answer.data is not None
    assert len({item.url for item in answer.data}) == 2


def test_errors_are_the_clients_own(client: OpenAI, live: str) -> None:
    """Each with its code, param and request id."""
    with pytest.raises(openai.BadRequestError) as bad:
        client.images.generate(model="dall-e-9", prompt="a boat")
    assert (bad.value.code, bad.value.param, bad.value.type) == (
        "invalid_value",
        "model",
        "image_generation_user_error",
    )
    assert bad.value.request_id
    with (
        OpenAI(base_url=f"{live}/v1", api_key="wrong") as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("dall-e-9")
    with pytest.raises(openai.BadRequestError, match="safety system"):
        client.images.generate(model="dall-e-3", prompt="a nude woman, gore and mutilation")


def test_neighbours(client: OpenAI, photo: Path) -> None:
    """Models, moderations and files."""
    assert "dall-e-3" in [model.id for model in client.models.list()]
    assert client.moderations.create(input="a nude woman, gore").results[0].flagged
    sent = client.files.create(file=photo, purpose="vision")
    assert client.files.content(sent.id).content == photo.read_bytes()
    assert sent.id in [file.id for file in client.files.list()]
    assert client.files.delete(sent.id).deleted


def test_azure(live: str) -> None:
    """Azure's client: the deployment in the path, the key in its own header."""
    with AzureOpenAI(
        azure_endpoint=live, api_key="lk-live", api_version="2025-04-01-preview", max_retries=0
    ) as client:
        answer = client.images.generate(model="dall-e-3", prompt="a boat", size="1024x1024")
    assert answer.data is not None
    assert answer.data[0].url


def test_batches(client: OpenAI) -> None:
    """A file of calls goes up, a batch is made of it, and a file of answers comes down."""
    body = {"model": "gpt-image-1", "prompt": "a red boat", "seed": 1}
    calls = [
        {
            "custom_id": f"boat-{i}",
            "method": "POST",
            "url": "/v1/images/generations",
            "body": body | {"seed": i},
        }
        for i in range(3)
    ]
    data = "".join(f"{json.dumps(call)}\n" for call in calls).encode()
    source = client.files.create(file=("calls.jsonl", data), purpose="batch")
    batch = client.batches.create(
        input_file_id=source.id,
        endpoint="/v1/images/generations",
        completion_window="24h",
        metadata={"for": "boats"},
    )
    until(lambda: client.batches.retrieve(batch.id).status == "completed")
    batch = client.batches.retrieve(batch.id)
    assert batch.request_counts is not None
    assert (batch.request_counts.completed, batch.metadata) == (3, {"for": "boats"})
    assert batch.output_file_id is not None
    lines = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
    assert {line["custom_id"] for line in lines} == {"boat-0", "boat-1", "boat-2"}
    assert all(pixels(line["response"]["body"]["data"][0]["b64_json"]).size for line in lines)
    assert batch.id in [each.id for each in client.batches.list()]
    with pytest.raises(openai.ConflictError, match="Cannot cancel"):
        client.batches.cancel(batch.id)


def test_a_batch_that_cannot_begin_says_why(client: OpenAI) -> None:
    """The client's own types hold the errors."""
    source = client.files.create(file=("calls.jsonl", b"nonsense"), purpose="batch")
    batch = client.batches.create(
        input_file_id=source.id, endpoint="/v1/images/edits", completion_window="24h"
    )
    assert batch.status == "failed"
    assert batch.errors is not None
    assert batch.errors.data is not None
    assert [(error.code, error.line) for error in batch.errors.data] == [("invalid_json_line", 1)]
