"""The routes beside those that draw: Azure's paths, models, moderations, files, links, health."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from limner.safety.prompts import CATEGORIES
from tests.server.helpers import Serve, decoded, error_of, left_mask, noise, png

AZURE = "/openai/deployments/{}/images/generations?api-version=2025-04-01-preview"


def test_azures_paths_name_the_model(lenient: TestClient) -> None:
    """By its deployment, whatever the body says."""
    body = {"prompt": "a cat", "size": "16x16", "model": "something"}
    answer = lenient.post(AZURE.format("dall-e-3"), json=body)
    assert answer.json()["data"][0]["revised_prompt"] == "a cat"
    answer = lenient.post(AZURE.format("gpt-image-2"), json=body)
    assert answer.json()["data"][0]["b64_json"]
    answer = lenient.post(AZURE.format("mine"), json=body)
    assert (answer.status_code, error_of(answer)["code"]) == (404, "DeploymentNotFound")


def test_azures_edits_are_forms(lenient: TestClient) -> None:
    """As everywhere."""
    path = AZURE.format("gpt-image-2").replace("generations", "edits")
    answer = lenient.post(path, data={"prompt": "a"}, files={"image": ("a.png", png(), "image/png")})
    assert answer.json()["size"] == "64x64"


def test_all_names_are_listed(lenient: TestClient) -> None:
    """Dead ones too, the loaded model's own first."""
    told = lenient.get("/v1/models").json()
    names = [model["id"] for model in told["data"]]
    assert names[0] == "fake"
    assert {"dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-2.6-flare"} <= set(names)


def test_a_model_tells_what_it_can_do(lenient: TestClient) -> None:
    """Sizes, steps, edits: so that nobody need try."""
    model = lenient.get("/v1/models/gpt-image-2-2026-04-21").json()
    assert model["id"] == "gpt-image-2-2026-04-21"
    able = model["capabilities"]
    assert (able["model"], able["family"], able["native_size"]) == ("fake", "G2", "256x256")
    assert able["other_native_sizes"] == ["384x256", "256x384", "448x256", "256x448"]
    assert able["steps"] == {"low": 2, "medium": 4, "high": 8, "xhigh": 12, "max": 16}
    assert able["edits"] is True


def test_an_unknown_model_is_a_404_here(lenient: TestClient) -> None:
    """Unlike on the routes that draw."""
    answer = lenient.get("/v1/models/no/such")
    assert (answer.status_code, error_of(answer)["code"]) == (404, "model_not_found")


def test_texts_are_judged(lenient: TestClient) -> None:
    """One result for each text, with all categories."""
    told = lenient.post("/v1/moderations", json={"input": ["a cat", "a nude woman, gore"]}).json()
    assert [result["flagged"] for result in told["results"]] == [False, True]
    for result in told["results"]:
        assert tuple(result["categories"]) == tuple(result["category_scores"]) == CATEGORIES
    parts = [{"type": "text", "text": "a cat"}, {"type": "text", "text": "a dog"}]
    assert len(lenient.post("/v1/moderations", json={"input": parts}).json()["results"]) == 1


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({}, "input"),
        ({"input": 7}, "input"),
        ({"input": []}, "input"),
        ({"input": ["x" * 500_001] * 2}, "input"),
        ({"input": [7]}, "input[0]"),
        ({"input": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]}, "input[0]"),
        ({"input": [{"type": "text", "text": None}]}, "input[0].text"),
    ],
)
def test_what_cannot_be_judged_is_told(lenient: TestClient, given: dict[str, Any], param: str) -> None:
    """Pictures among it."""
    answer = lenient.post("/v1/moderations", json=given)
    assert (answer.status_code, error_of(answer)["param"]) == (400, param)


def send_file(client: TestClient, data: bytes, **texts: str) -> Any:
    """The answer to an upload."""
    return client.post("/v1/files", data={"purpose": "vision"} | texts, files={"file": ("a.png", data)})


def test_a_file_lives_and_dies(lenient: TestClient) -> None:
    """Uploaded, listed, told of, read and deleted."""
    sent = send_file(lenient, b"hello").json()
    assert (sent["object"], sent["bytes"], sent["filename"], sent["purpose"]) == (
        "file",
        5,
        "a.png",
        "vision",
    )
    listed = lenient.get("/v1/files", params={"purpose": "vision"}).json()
    assert sent["id"] in [file["id"] for file in listed["data"]]
    assert lenient.get(f"/v1/files/{sent['id']}").json() == sent
    content = lenient.get(f"/v1/files/{sent['id']}/content")
    assert (content.content, content.headers["content-type"]) == (b"hello", "application/octet-stream")
    gone = lenient.delete(f"/v1/files/{sent['id']}").json()
    assert gone == {"id": sent["id"], "object": "file", "deleted": True}
    assert lenient.get(f"/v1/files/{sent['id']}").status_code == 404


def test_an_uploaded_picture_can_be_edited(lenient: TestClient) -> None:
    """By its id, and so can a mask be."""
    picture, mask = (send_file(lenient, data).json()["id"] for data in (png(), left_mask()))
    body = {
        "model": "gpt-image-2",
        "prompt": "a",
        "images": [{"file_id": picture}],
        "mask": {"file_id": mask},
    }
    [item] = lenient.post("/v1/images/edits", json=body).json()["data"]
    assert (decoded(item)[:, 32:] == noise()[:, 32:]).all()


@pytest.mark.parametrize(
    ("texts", "param"),
    [
        ({"purpose": "fine-tune"}, "purpose"),
        ({"expires_after[anchor]": "now"}, "expires_after[anchor]"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "5"}, "expires_after[seconds]"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "x"}, "expires_after[seconds]"),
    ],
)
def test_an_upload_that_makes_no_sense_is_told(
    lenient: TestClient, texts: dict[str, str], param: str
) -> None:
    """By the field that is wrong."""
    answer = send_file(lenient, b"x", **texts)
    assert (answer.status_code, error_of(answer)["param"]) == (400, param)


def test_a_file_is_its_owners(serve: Serve) -> None:
    """Another key sees nothing of it."""
    with serve(api_keys=("lk-a", "lk-b")) as client:
        mine, others = ({"api-key": key} for key in ("lk-a", "lk-b"))
        files = {"file": ("a", b"x")}
        sent = client.post("/v1/files", headers=mine, data={"purpose": "vision"}, files=files).json()
        assert client.get(f"/v1/files/{sent['id']}", headers=mine).status_code == 200
        assert client.get(f"/v1/files/{sent['id']}", headers=others).status_code == 404
        assert client.get("/v1/files", headers=others).json()["data"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "order=up", "after=nothing"])
def test_a_wrong_query_is_told_in_the_envelope(lenient: TestClient, query: str) -> None:
    """Not as the framework's 422."""
    answer = lenient.get(f"/v1/files?{query}")
    assert (answer.status_code, error_of(answer)["param"]) == (400, query.partition("=")[0])


def link(client: TestClient) -> str:
    """The link to a fresh picture."""
    body = {"prompt": "a cat", "size": "16x16"}
    url: str = client.post("/v1/images/generations", json=body).json()["data"][0]["url"]
    return url


def test_a_link_is_read_in_every_way(lenient: TestClient) -> None:
    """GET, HEAD, a part of it, and not at all by who has it."""
    url = link(lenient)
    whole = lenient.get(url)
    assert whole.content.startswith(b"\x89PNG")
    head = lenient.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    part = lenient.get(url, headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    known = lenient.get(url, headers={"if-none-match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_a_forged_link_leads_nowhere(lenient: TestClient) -> None:
    """Another signature, another name, no name, a way out of the folder."""
    url = link(lenient)
    path = url.partition("?")[0]
    for forged in (path, f"{url}0", url.replace("img_", "img_1"), path.rpartition("/")[0] + "/"):
        assert lenient.get(forged).status_code == 404
    for name in ("..%2fsigning.key", "%2e%2e/signing.key", "signing.key", "..%5csigning.key"):
        answer = lenient.get(f"/files/images/{name}", params={"signature": "0"})
        assert answer.status_code == 404
        error_of(answer)


def test_health_and_load_are_told(lenient: TestClient) -> None:
    """Also while nothing is drawn; the metrics count what was."""
    link(lenient)
    assert lenient.get("/healthz").json() == {"status": "ok"}
    assert lenient.get("/readyz").json() == {"status": "ready", "model": "fake"}
    assert lenient.get("/queue").json()["queued"] == 0
    metrics = lenient.get("/metrics")
    assert "limner_pictures_total" in metrics.text
    assert metrics.headers["content-type"].startswith("text/plain")


def test_a_server_that_leaves_says_so(serve: Serve) -> None:
    """It is alive, not ready, and sends new work to others."""
    with serve() as client:
        client.app.state.services.drain()  # type: ignore[attr-defined]
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        answer = client.post("/v1/images/generations", json={"prompt": "a cat"})
        assert (answer.status_code, error_of(answer)["code"]) == (503, "server_is_overloaded")
        assert int(answer.headers["retry-after"]) >= 1
