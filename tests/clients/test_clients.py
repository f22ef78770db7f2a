"""Other people's clients against a real server on loopback; each has a program beside this file.

A program runs once, where nothing but the server can be reached, and reports as one JSON object what each of its
calls came back with: an answer, the events of a stream, or an error. OpenAI's client for Python has tests of its own.
Without Node or curl on a machine, the tests of their programs are skipped.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import limner
from limner.imaging.reader import read_pixels
from limner.server.app import create_app
from limner.settings import Settings
from tests.server.helpers import address_of, left_mask, living, noise, png

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".venv" / "clients"
"""Where `make .venv/.clients` installs them."""

CLOSED = "http://127.0.0.1:9"
"""A proxy that does not exist, so that a call to anywhere else fails."""

Report: TypeAlias = Callable[[str], dict[str, Any]]


def need(*tools: str) -> None:
    """Skip where the machine lacks one of these."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} on this machine")


def command_of(program: Path, folder: Path) -> list[str]:
    """How a program is run; Node looks for packages beside the program, so its own runs as a copy."""
    match program.suffix:
        case ".py":
            return [f"{CLIENTS}/bin/python", str(program)]
        case ".mjs":
            need("node", "npm")
            (folder / "node_modules").symlink_to(CLIENTS / "node" / "node_modules")
            return ["node", shutil.copy(program, str(folder))]
        case _:
            need("curl")
            return ["sh", str(program)]


def run(program: Path, url: str, folder: Path) -> str:
    """What a program prints, told nothing but where the server is."""
    assert CLIENTS.is_dir(), "the clients are not installed: make .venv/.clients"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "lk-live",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), CLOSED),
        "NO_PROXY": "127.0.0.1",
    }
    command = command_of(program, folder)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def report(live: str, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What a program reports, which runs on the first question."""

    @cache
    def report_of(name: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("client")
        (folder / "photo.png").write_bytes(png(noise(96, 96)))
        (folder / "mask.png").write_bytes(left_mask(96, 96))
        found: dict[str, Any] = json.loads(run(Path(__file__).parent / name, live, folder))
        return found

    return report_of


def picture(item: Mapping[str, Any]) -> Any:
    """(H, W, C): the picture of an item of an answer, fetched where it is a link."""
    if item.get("b64_json"):
        return read_pixels(base64.b64decode(item["b64_json"]))
    with urllib.request.urlopen(item["url"]) as fetched:  # noqa: S310  a link of ours
        return read_pixels(fetched.read())


@pytest.mark.parametrize(
    ("program", "call", "shapes"),
    [
        ("litellm_client.py", "generate", [(32, 64, 3)] * 2),
        ("litellm_client.py", "agenerate", [(32, 64, 3)] * 2),
        ("litellm_client.py", "vary", [(1024, 1024, 3)]),
        ("litellm_client.py", "avary", [(1024, 1024, 3)]),
        ("langchain_client.py", "generate", [(256, 256, 3)] * 2),
        ("langchain_client.py", "tool", [(1024, 1024, 3)]),
        ("llama_index_client.py", "generate", [(1024, 1792, 3)]),
        ("llama_index_client.py", "download", [(256, 256, 3)]),
        ("node_client.mjs", "generate", [(32, 64, 3)] * 2),
        ("node_client.mjs", "link", [(1024, 1024, 3)]),
        ("node_client.mjs", "vary", [(256, 256, 3)] * 2),
        ("curl_client.sh", "generate", [(32, 64, 3)] * 2),
        ("curl_client.sh", "vary", [(256, 256, 3)] * 2),
    ],
)
def test_draw(report: Report, program: str, call: str, shapes: list[tuple[int, ...]]) -> None:
    """As many pictures as were asked for, in the size that was asked for, no two the same."""
    pictures = [picture(item) for item in report(program)[call]["data"]]
    assert [drawn_HWC.shape for drawn_HWC in pictures] == shapes
    assert len({drawn_HWC.tobytes() for drawn_HWC in pictures}) == len(shapes)


@pytest.mark.parametrize(
    ("program", "call"),
    [
        ("litellm_client.py", "edit"),
        ("litellm_client.py", "aedit"),
        ("node_client.mjs", "edit"),
        ("node_client.mjs", "edit_from_disk"),
        ("curl_client.sh", "edit"),
    ],
)
def test_edit(report: Report, program: str, call: str) -> None:
    """The left half, which the mask leaves open, is painted anew; the right does not change by a bit."""
    (item,) = report(program)[call]["data"]
    drawn_HWC, given_HWC = picture(item), noise(96, 96)
    assert (drawn_HWC[:, 48:] == given_HWC[:, 48:]).all()
    assert (drawn_HWC[:, :48] != given_HWC[:, :48]).any()


@pytest.mark.parametrize("program", ["litellm_client.py", "node_client.mjs", "curl_client.sh"])
def test_what_else_an_answer_tells(report: Report, program: str) -> None:
    """The values that were chosen, and a use that adds up."""
    answer = report(program)["generate"]
    assert (answer["size"], answer["output_format"], answer["background"]) == ("64x32", "png", "opaque")
    assert (
        answer["usage"]["total_tokens"] == answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]
    )


@pytest.mark.parametrize(
    ("program", "call", "previews", "shape"),
    [
        ("node_client.mjs", "generate_stream", 2, (32, 64, 3)),
        ("node_client.mjs", "edit_stream", 1, (96, 96, 3)),
        ("curl_client.sh", "generate_stream", 1, (32, 64, 3)),
    ],
)
def test_stream(report: Report, program: str, call: str, previews: int, shape: tuple[int, ...]) -> None:
    """Previews, numbered, and then the picture, all of one size."""
    kind = f"image_{call.removesuffix('_stream').replace('generate', 'generation')}"
    events = report(program)[call]
    assert [event["type"] for event in events] == [f"{kind}.partial_image"] * previews + [f"{kind}.completed"]
    assert [event["partial_image_index"] for event in events[:-1]] == list(range(previews))
    assert {picture(event).shape for event in events} == {shape}


@pytest.mark.parametrize(
    ("program", "call", "name", "text"),
    [
        ("litellm_client.py", "error", "BadRequestError", "The model 'dall-e-9' does not exist."),
        ("litellm_client.py", "edit_error", "BadRequestError", "The model 'dall-e-9' does not exist."),
        ("litellm_client.py", "vary_error", "BadRequestError", "please check your image file"),
        ("litellm_client.py", "stranger", "AuthenticationError", "Incorrect API key"),
        ("langchain_client.py", "error", "BadRequestError", "The model 'dall-e-9' does not exist."),
        ("langchain_client.py", "stranger", "AuthenticationError", "Incorrect API key"),
        ("llama_index_client.py", "error", "BadRequestError", "safety system"),
        ("llama_index_client.py", "stranger", "AuthenticationError", "Incorrect API key"),
        ("node_client.mjs", "error", "BadRequestError", "The model 'dall-e-9' does not exist."),
        ("node_client.mjs", "unsafe", "BadRequestError", "safety system"),
        ("node_client.mjs", "stranger", "AuthenticationError", "Incorrect API key"),
        ("curl_client.sh", "error", "exit status 22", "400"),
    ],
)
def test_error(report: Report, program: str, call: str, name: str, text: str) -> None:
    """The client's own error for it, with the server's words in it."""
    error = report(program)[call]
    assert error["name"] == name
    assert text in error["message"]


def test_what_else_an_error_tells(report: Report) -> None:
    """Node's errors have the fields of the envelope and the id of the request."""
    error = report("node_client.mjs")["error"]
    expected = {
        "status": 400,
        "code": "invalid_value",
        "param": "model",
        "type": "image_generation_user_error",
    }
    assert expected.items() <= error.items()
    assert error["requestID"].startswith("req_")
    assert report("node_client.mjs")["unsafe"]["code"] == "moderation_blocked"


def test_what_curl_prints_of_an_error(report: Report) -> None:
    """The envelope."""
    envelope = report("curl_client.sh")["error"]["body"]
    assert (envelope["error"]["code"], envelope["error"]["param"]) == ("invalid_value", "model")


@pytest.fixture
def keyless(tmp_path: Path) -> Iterator[str]:
    """The address of a server that needs no key."""
    settings = Settings(engine="fake", data_dir=tmp_path / "data")
    with living(create_app(settings, limner.load(engine="fake"))) as server:
        yield address_of(server)


def test_the_example_for_node_draws_a_puppy(keyless: str, tmp_path: Path) -> None:
    """Into the folder where it is run."""
    run(ROOT / "examples" / "draw.mjs", keyless, tmp_path)
    assert read_pixels((tmp_path / "puppy.png").read_bytes()).shape[2] == 3
