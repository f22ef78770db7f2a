"""Batches over HTTP: judged like single calls, each line answered once, each owner's apart."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

import limner
from limner.engines.fake import FakeEngine
from limner.server.app import create_app
from limner.settings import Settings
from limner.storage.batches import BatchStore
from tests.server.batches.helpers import GENERATIONS, answers, call, created, ended, sent
from tests.server.helpers import ICON, Serve, data_url, decoded, error_of, noise, png, until


def test_a_batch_is_answered_like_single_calls(lenient: TestClient) -> None:
    """The same seeds give the same pictures; the files are there, and the times are told."""
    batch = ended(lenient, created(lenient, call("a", seed=1), call("b", seed=2, n=2), metadata={"k": "v"}))
    assert (batch["status"], batch["errors"], batch["metadata"]) == ("completed", None, {"k": "v"})
    assert batch["request_counts"] == {"total": 2, "completed": 2, "failed": 0}
    assert batch["expires_at"] == batch["created_at"] + 24 * 3600
    assert batch["in_progress_at"] <= batch["finalizing_at"] <= batch["completed_at"]
    found = answers(lenient, batch)
    alone = lenient.post(GENERATIONS, json=call("a", seed=1)["body"]).json()
    assert found["a"]["error"] is None
    told = found["a"]["response"]["body"]
    assert told | {"created": 0} == alone | {"created": 0}
    assert len(found["b"]["response"]["body"]["data"]) == 2
    assert batch["error_file_id"] is None
    assert lenient.get(f"/v1/files/{batch['output_file_id']}").json()["purpose"] == "batch_output"


def test_links_are_those_of_this_server(lenient: TestClient) -> None:
    """They lead to the picture, and work for longer than a batch takes."""
    batch = ended(lenient, created(lenient, call(model="dall-e-3")))
    [item] = answers(lenient, batch)["a"]["response"]["body"]["data"]
    assert lenient.get(item["url"]).content.startswith(b"\x89PNG")
    expires = int(item["url"].rpartition("/img_")[2].partition("_")[0])
    assert expires >= batch["expires_at"] + 23 * 3600


def test_lines_that_are_refused_are_in_the_error_file(lenient: TestClient) -> None:
    """With the status, the envelope and the words of a single call; the others are drawn."""
    batch = ended(
        lenient,
        created(lenient, call("a"), call("b", n=99), call("c", prompt=""), call("d", stream=True)),
    )
    assert batch["request_counts"] == {"total": 4, "completed": 1, "failed": 3}
    assert set(answers(lenient, batch)) == {"a"}
    failed = answers(lenient, batch, "error")
    assert set(failed) == {"b", "c", "d"}
    alone = lenient.post(GENERATIONS, json=call("b", n=99)["body"])
    assert failed["b"]["response"]["status_code"] == alone.status_code == 400
    assert failed["b"]["response"]["body"] == alone.json()
    assert failed["d"]["response"]["body"]["error"]["param"] == "stream"


def test_what_is_set_aside_is_told(lenient: TestClient) -> None:
    """A line has no headers of its own, so its answer has them."""
    batch = ended(lenient, created(lenient, call(colour="red")))
    assert answers(lenient, batch)["a"]["response"]["headers"] == {"x-limner-ignored": "colour"}


def test_edits_are_drawn_from_links_and_uploads(lenient: TestClient) -> None:
    """Their bodies are JSON with `images`, as OpenAI wants it; another key's file is not there."""
    files = {"file": ("a.png", png(noise(64, 64)))}
    file_id = lenient.post("/v1/files", data={"purpose": "vision"}, files=files).json()["id"]
    url = "/v1/images/edits"
    batch = ended(
        lenient,
        created(
            lenient,
            call("link", url, images=[{"image_url": data_url(ICON)}]),
            call("file", url, images=[{"file_id": file_id}]),
            call("none", url, images=[{"file_id": "file-0"}]),
            endpoint=url,
        ),
    )
    found = answers(lenient, batch)
    assert set(found) == {"link", "file"}
    [item] = found["file"]["response"]["body"]["data"]
    assert decoded(item).shape == (64, 64, 3)
    assert set(answers(lenient, batch, "error")) == {"none"}


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        (["nonsense"], "invalid_json_line", 1),
        ([call("a"), "[]"], "invalid_json_line", 2),
        ([call("a"), call("a")], "duplicate_custom_id", 2),
        ([call("a", "/v1/images/edits")], "url_mismatch", 1),
        ([call("a") | {"method": "GET"}], "invalid_request", 1),
        ([call("a") | {"body": []}], "invalid_request", 1),
        ([call("a") | {"custom_id": 3}], "invalid_request", 1),
        ([call("a") | {"more": 3}], "invalid_request", 1),
        ([call("a") | {"\ud800": 3}], "invalid_request", 1),
        ([{"custom_id": "a"}], "missing_required_parameter", 1),
        (["", ""], "empty_batch", None),
        ([""] + ["{}"] * 50_001, "too_many_tasks", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_with_wrong_lines_fails_whole(
    lenient: TestClient, lines: list[object], code: str, line: int | None
) -> None:
    """Nothing of it is drawn; `errors` says which line and why."""
    batch = created(lenient, *lines)
    assert (batch["status"], batch["request_counts"]["total"]) == ("failed", 0)
    assert batch["failed_at"] is not None
    assert (batch["errors"]["data"][0]["code"], batch["errors"]["data"][0]["line"]) == (code, line)
    assert lenient.get(f"/v1/batches/{batch['id']}").json() == batch


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"input_file_id": None}, "input_file_id"),
        ({"input_file_id": "file-0"}, "input_file_id"),
        ({"endpoint": "/v1/chat/completions"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {"a": "b" * 513}}, "metadata"),
        ({"metadata": {str(i): "" for i in range(17)}}, "metadata"),
        ({"metadata": {"a": "\ud800"}}, "metadata"),
        ({"output_expires_after": {"anchor": "created_at"}}, "output_expires_after.seconds"),
        ({"output_expires_after": {"anchor": "x", "seconds": 3600}}, "output_expires_after.anchor"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 1}}, "output_expires_after.seconds"),
        ({"priority": 3}, "priority"),
    ],
)
def test_what_cannot_be_is_refused_by_name(lenient: TestClient, more: dict[str, Any], param: str) -> None:
    """Before there is a batch."""
    body = {"input_file_id": "file-0", "endpoint": GENERATIONS, "completion_window": "24h"} | more
    answer = lenient.post("/v1/batches", content=json.dumps(body))
    assert (answer.status_code, error_of(answer)["param"]) == (400, param)


@pytest.mark.parametrize("missing", ["input_file_id", "endpoint", "completion_window"])
def test_what_is_missing_is_named(lenient: TestClient, missing: str) -> None:
    """As OpenAI names it."""
    body = {"input_file_id": "file-0", "endpoint": GENERATIONS, "completion_window": "24h"}
    del body[missing]
    error = error_of(lenient.post("/v1/batches", json=body))
    assert (error["code"], error["param"]) == ("missing_required_parameter", missing)


def test_a_file_for_another_purpose_is_refused(lenient: TestClient) -> None:
    """The error says what to do."""
    body = {"input_file_id": sent(lenient, call(), purpose="vision"), "endpoint": GENERATIONS}
    answer = lenient.post("/v1/batches", json=body | {"completion_window": "24h"})
    assert (answer.status_code, "purpose 'batch'" in error_of(answer)["message"]) == (400, True)


def test_output_is_kept_as_long_as_was_said(lenient: TestClient) -> None:
    """From when it is there."""
    batch = ended(
        lenient,
        created(lenient, call(), output_expires_after={"anchor": "created_at", "seconds": 7200}),
    )
    output = lenient.get(f"/v1/files/{batch['output_file_id']}").json()
    assert output["expires_at"] == output["created_at"] + 7200


def test_batches_are_listed_newest_first(serve: Serve) -> None:
    """In pages."""
    with serve() as client:
        made = [created(client, call())["id"] for _ in range(3)]
        first = client.get("/v1/batches", params={"limit": 2}).json()
        assert ([batch["id"] for batch in first["data"]], first["has_more"]) == (made[:0:-1], True)
        rest = client.get("/v1/batches", params={"after": first["last_id"]}).json()
        assert ([batch["id"] for batch in rest["data"]], rest["has_more"]) == (made[:1], False)
        assert error_of(client.get("/v1/batches", params={"after": "x"}))["param"] == "after"


def test_another_keys_batch_is_not_there(serve: Serve) -> None:
    """Neither to be seen, nor to be cancelled, nor in the list, nor to be made of another's file."""
    with serve(api_keys=("lk-ann", "lk-bob")) as client:
        client.headers["authorization"] = "Bearer lk-ann"
        batch = created(client, call())
        client.headers["authorization"] = "Bearer lk-bob"
        path = f"/v1/batches/{batch['id']}"
        assert client.get(path).status_code == client.post(f"{path}/cancel").status_code == 404
        assert client.get("/v1/batches").json()["data"] == []
        body = {"input_file_id": batch["input_file_id"], "endpoint": GENERATIONS}
        assert client.post("/v1/batches", json=body | {"completion_window": "24h"}).status_code == 400
        client.headers["authorization"] = "Bearer lk-ann"
        assert ended(client, batch)["status"] == "completed"


class GatedEngine(FakeEngine):
    """The instant engine, which stops before a step until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.prompts: list[str] = []

    def denoise(self, *args: Any, **more: Any) -> Any:
        """Note who is drawn, and wait at the gate."""
        self.prompts += [features.prompt for features in args[2]]
        self.entered.set()
        assert self.gate.wait(30)
        return super().denoise(*args, **more)


@pytest.fixture
def engine() -> GatedEngine:
    """A gate that is shut."""
    return GatedEngine()


def gated(tmp_path: Any, engine: GatedEngine, **more: Any) -> TestClient:
    """A server of this engine."""
    settings = Settings(engine="fake", data_dir=tmp_path, batch_max=2, **more)
    return TestClient(create_app(settings, limner.Pipeline(engine)))


def test_a_cancelled_batch_finishes_what_is_under_way(tmp_path: Any, engine: GatedEngine) -> None:
    """And hands it out; every other line is in the error file."""
    with gated(tmp_path, engine) as client:
        batch = created(client, *(call(str(i)) for i in range(6)))
        assert engine.entered.wait(30)
        told = client.post(f"/v1/batches/{batch['id']}/cancel").json()
        assert (told["status"], told["cancelling_at"] is None) == ("cancelling", False)
        assert client.post(f"/v1/batches/{batch['id']}/cancel").json()["status"] == "cancelling"
        engine.gate.set()
        batch = ended(client, batch)
        drawn, left = answers(client, batch), answers(client, batch, "error")
        again = client.post(f"/v1/batches/{batch['id']}/cancel")
        assert (again.status_code, "'cancelled'" in error_of(again)["message"]) == (409, True)
    assert batch["status"] == "cancelled"
    assert 1 <= len(drawn) <= 2
    assert set(drawn) | set(left) == set("012345")
    assert len(drawn) + len(left) == 6
    assert {line["error"]["code"] for line in left.values()} == {"batch_cancelled"}


def test_a_batch_goes_on_at_the_next_start(tmp_path: Any, engine: GatedEngine) -> None:
    """Whoever stops the server waits for what is under way only; no line is drawn twice, and none is missing."""
    engine.gate.set()
    with gated(tmp_path, engine) as client:
        batch = created(client, *(call(str(i)) for i in range(16)))
        until(lambda: client.get(f"/v1/batches/{batch['id']}").json()["request_counts"]["completed"] > 1)
    assert len(set(engine.prompts)) < 16
    with gated(tmp_path, engine) as client:
        batch = ended(client, batch)
        assert set(answers(client, batch)) == {str(i) for i in range(16)}
    assert batch["request_counts"] == {"total": 16, "completed": 16, "failed": 0}
    assert len(engine.prompts) == 16 * engine.capabilities.default_steps


def test_calls_that_somebody_waits_for_go_first(tmp_path: Any, engine: GatedEngine) -> None:
    """Whatever of a batch has begun or waits."""
    with gated(tmp_path, engine) as client:
        batch = created(client, *(call(str(i), n=4, steps=6) for i in range(3)))
        assert engine.entered.wait(30)
        thread = threading.Thread(target=client.post, args=(GENERATIONS,), kwargs={"json": {"prompt": "now"}})
        thread.start()
        # At most two lines of the batch are under way.
        until(lambda: sum(client.get("/queue").json()[name] for name in ("queued", "running")) == 3)
        engine.gate.set()
        thread.join(30)
        now = [i for i, prompt in enumerate(engine.prompts) if prompt == "now"]
        assert ended(client, batch)["status"] == "completed"
    assert now[-1] < len(engine.prompts) / 2


def test_too_many_unfinished_batches_are_refused(tmp_path: Any, engine: GatedEngine) -> None:
    """With a 429 that says what to do."""
    with gated(tmp_path, engine) as client:
        made = [created(client, call()) for _ in range(16)]
        body = {"input_file_id": made[0]["input_file_id"], "endpoint": GENERATIONS}
        answer = client.post("/v1/batches", json=body | {"completion_window": "24h"})
        assert (answer.status_code, error_of(answer)["code"]) == (429, "rate_limit_exceeded")
        engine.gate.set()


def test_after_its_window_nothing_more_is_begun(
    tmp_path: Any, engine: GatedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is handed out; the rest is in the error file, as expired."""
    with gated(tmp_path, engine) as client:
        batch = created(client, *(call(str(i)) for i in range(6)))
        assert engine.entered.wait(30)
        monkeypatch.setattr(BatchStore, "now", lambda _: batch["expires_at"])
        engine.gate.set()
        batch = ended(client, batch)
        drawn, left = answers(client, batch), answers(client, batch, "error")
    assert (batch["status"], len(drawn) + len(left)) == ("expired", 6)
    assert {line["error"]["code"] for line in left.values()} == {"batch_expired"}
    assert list(tmp_path.glob("batches/*/*.jsonl")) == []
