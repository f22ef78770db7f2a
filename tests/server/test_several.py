"""A server of several models: each draws under its own name, and is loaded when it is first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from starlette.testclient import TestClient

import limner
from limner.errors import DeadlineError, DoesNotFitError, ModelError, SettingsError
from limner.hosting.places import Loaded
from limner.pipeline import Pipeline
from limner.server import offers
from limner.server.services import Services, _settled, start_services
from limner.settings import Settings
from tests.server.batches.helpers import answers, call, created, ended
from tests.server.helpers import Serve, error_of, until

BODY = {"prompt": "a boat", "size": "16x16", "seed": 5}


@pytest.fixture(scope="module")
def both(serve: Serve) -> Iterator[TestClient]:
    """A client of a server of two models."""
    with serve(more_models=("second=anything",)) as client:
        yield client


def services_of(client: TestClient) -> Services:
    """What the server works with."""
    found: Services = client.app.state.services  # type: ignore[attr-defined]
    return found


def draw(client: TestClient, model: str) -> Any:
    """The answer to a request for a picture."""
    return client.post("/v1/images/generations", json=BODY | {"model": model})


def state(client: TestClient, model: str) -> str:
    """Whether a model is loaded."""
    told: str = client.get(f"/v1/models/{model}").json()["capabilities"]["state"]
    return told


def test_a_request_picks_its_model(serve: Serve) -> None:
    """Which is loaded then, and not before; until then nobody knows what it can do."""
    with serve(more_models=("second=anything",)) as client:
        before = client.get("/v1/models/second").json()["capabilities"]
        assert (before["model"], before["state"], before["estimated_bytes"]) == (
            "second",
            "not loaded",
            256**2 * 96,
        )
        assert "native_size" not in before
        assert draw(client, "gpt-image-2").status_code == 200
        assert (state(client, "fake"), state(client, "second")) == ("loaded", "not loaded")
        assert draw(client, "second").json()["data"][0]["b64_json"]
        after = client.get("/v1/models/second").json()["capabilities"]
        assert (after["state"], after["native_size"], after["pinned"]) == ("loaded", "256x256", False)
        told = client.get("/metrics").text
        assert 'limner_model_loads_total{model="second",outcome="loaded"} 1.0' in told


def test_all_names_are_listed_and_openais_are_the_first_models(both: TestClient) -> None:
    """Its own name first."""
    listed = {each["id"]: each["capabilities"] for each in both.get("/v1/models").json()["data"]}
    assert next(iter(listed)) == "fake"
    assert (listed["second"]["model"], listed["second"]["family"]) == ("second", "G2")
    assert {able["model"] for name, able in listed.items() if name != "second"} == {"fake"}


def test_azures_paths_name_every_model(both: TestClient) -> None:
    """As deployments."""
    path = "/openai/deployments/second/images/generations?api-version=2025-04-01-preview"
    assert both.post(path, json=BODY).status_code == 200


def test_a_batch_may_have_lines_for_each(both: TestClient) -> None:
    """In any order."""
    lines = [call("a", model="second"), call("b", model="fake"), call("c", model="third")]
    batch = ended(both, created(both, *lines))
    assert set(answers(both, batch)) == {"a", "b"}
    [failed] = answers(both, batch, "error").values()
    assert "third" in failed["response"]["body"]["error"]["message"]


def test_others_draw_while_a_model_is_loaded(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the server is ready all the while; who asked for the model waits, and has its picture then."""
    go_on = Event()

    def standing(*_: object, **__: object) -> Pipeline:
        go_on.wait(60)
        return limner.load(engine="fake")

    monkeypatch.setattr(offers, "load", standing)
    with serve(more_models=("second=anything",)) as client, ThreadPoolExecutor() as threads:
        waiting = threads.submit(draw, client, "second")
        until(lambda: state(client, "second") == "loading")
        assert client.get("/readyz").json() == {"status": "ready", "model": "fake"}
        assert draw(client, "fake").status_code == 200
        assert not waiting.done()
        go_on.set()
        assert waiting.result(60).status_code == 200


def test_a_model_that_does_not_fit_is_refused_and_others_draw(serve: Serve) -> None:
    """The client learns that it is no use to try again; the operator's log has the numbers."""
    with serve(more_models=("second=anything",), memory_limit=1000) as client:
        answer = draw(client, "second")
        assert (answer.status_code, error_of(answer)["code"]) == (503, "model_not_loaded")
        assert answer.headers["x-should-retry"] == "false"
        assert "MEMORY_LIMIT" not in answer.text
        assert draw(client, "fake").status_code == 200


def test_models_take_turns_where_one_fits(serve: Serve) -> None:
    """The one before is unloaded; each request is answered."""
    size = 256**2 * 96
    with serve(more_models=("b=x", "c=x"), memory_limit=size + 1) as client:
        for name in ("b", "c", "b"):
            assert draw(client, name).status_code == 200
        assert (state(client, "b"), state(client, "c")) == ("loaded", "not loaded")


def test_waiting_for_a_model_has_an_end() -> None:
    """After the request's time."""
    with pytest.raises(DeadlineError, match="not loaded within"):
        asyncio.run(_settled(Future[Loaded](), 0.001))


def test_nothing_is_loaded_at_the_start_if_so_told(tmp_path: Path) -> None:
    """The first request loads the first model, too."""
    services = start_services(Settings(engine="fake", data_dir=tmp_path, load_at_start=False))
    try:
        assert services.shelf.status("fake").state == "not loaded"
        assert services.able.model == "fake"
        assert services.shelf.status("fake").state == "loaded"
    finally:
        services.stop()


def test_a_first_model_that_does_not_fit_is_told_at_the_start(tmp_path: Path) -> None:
    """With the numbers, before anything is loaded."""
    with pytest.raises(DoesNotFitError, match=r"fake needs about 6\.3 MB"):
        start_services(Settings(engine="fake", data_dir=tmp_path, memory_limit=1000))


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"more_models": ("fake",)}, SettingsError, "two models the name 'fake'"),
        ({"more_models": ("a=x", "a=y")}, SettingsError, "two models the name 'a'"),
        ({"more_models": ("dall-e-3=x",)}, SettingsError, "two models the name 'dall-e-3'"),
        ({"pinned": ("b",)}, SettingsError, "'b', which is none of the models"),
        ({"engine": "openvino", "more_models": ("a=nowhere",)}, ModelError, "no model 'nowhere'"),
    ],
)
def test_what_cannot_be_served_is_told_at_the_start(
    tmp_path: Path, more: dict[str, Any], error: type[Exception], told: str
) -> None:
    """By the name at fault."""
    with pytest.raises(error, match=told):
        start_services(Settings(**{"engine": "fake", "data_dir": tmp_path, "load_at_start": False} | more))
