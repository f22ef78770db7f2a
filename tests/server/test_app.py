"""`limner.server.app`: one application, with and without /v1, behind keys, limits and proxies."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from limner.errors import SettingsError
from tests.server.helpers import Serve, error_of

ASK: dict[str, Any] = {"model": "dall-e-2", "prompt": "a cat", "size": "16x16"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "unknown_url"),
        ("GET", "/v1", 404, "unknown_url"),
        ("POST", "/v1/images/generation", 404, "unknown_url"),
        ("GET", "/v1/images/variations", 405, "method_not_supported"),
        ("DELETE", "/v1/models/dall-e-2", 405, "method_not_supported"),
        ("PUT", "/images/edits", 405, "method_not_supported"),
    ],
)
def test_what_there_is_not_is_told_in_the_envelope(
    lenient: TestClient, method: str, path: str, status: int, code: str
) -> None:
    """The framework's own refusals, too."""
    answer = lenient.request(method, path)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)


def test_a_wrong_method_is_told_the_right_ones(lenient: TestClient) -> None:
    """All that the path has, though they belong to several routes."""
    allowed = {
        "/v1/files/file-0": "DELETE, GET",
        "/v1/files": "GET, POST",
        "/v1/files/images/a.png": "GET, HEAD",
        "/v1/images/edits": "POST",
    }
    assert {path: lenient.put(path).headers["allow"] for path in allowed} == allowed


def test_every_route_is_there_with_and_without_v1(lenient: TestClient) -> None:
    """Some clients bring the prefix, some take it for a part of the address."""
    paths = ["/models", "/models/dall-e-2", "/files", "/healthz", "/readyz", "/metrics", "/queue"]
    for prefix in ("", "/v1"):
        assert {lenient.get(prefix + path).status_code for path in paths} == {200}
        assert lenient.post(f"{prefix}/images/generations", json=ASK).status_code == 200


def test_a_key_is_needed_where_there_is_one(serve: Serve) -> None:
    """As OpenAI's clients send it, or as Azure's; the errors are OpenAI's."""
    with serve(api_keys=("lk-secret",)) as client:
        answer = client.get("/v1/models")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="limner"')
        assert error_of(answer)["message"].startswith("You didn't provide an API key.")
        answer = client.get("/v1/models", headers={"authorization": "Bearer wrong-key"})
        assert error_of(answer)["code"] == "invalid_api_key"
        assert error_of(answer)["message"] == "Incorrect API key provided: wron*****."
        for headers in ({"authorization": "Bearer lk-secret"}, {"api-key": "lk-secret"}):
            assert client.get("/v1/models", headers=headers).status_code == 200


def test_a_key_is_asked_for_before_anything_else(serve: Serve) -> None:
    """No body is read and nothing is told to strangers; health and links need none."""
    with serve(api_keys=("lk-secret",)) as client:
        assert client.post("/v1/images/generations", content=b"{").status_code == 401
        assert client.get("/healthz").status_code == 200
        url = client.post("/v1/images/generations", json=ASK, headers={"api-key": "lk-secret"}).json()
        assert client.get(url["data"][0]["url"]).status_code == 200


def test_too_many_pictures_are_a_429(serve: Serve) -> None:
    """With the documented headers on both answers."""
    with serve(images_per_minute=2) as client:
        first = client.post("/v1/images/generations", json=ASK | {"n": 2})
        assert first.headers["x-ratelimit-remaining-images"] == "0"
        second = client.post("/v1/images/generations", json=ASK)
        assert (second.status_code, error_of(second)["code"]) == (429, "rate_limit_exceeded")
        assert 0 < int(second.headers["retry-after"]) <= 60


def test_what_is_refused_is_counted_by_why(serve: Serve) -> None:
    """Once each, in the same metric as what the loop refuses; what is drawn, and what is no picture, is not."""
    with serve(images_per_minute=1) as client:
        for more in ({"n": 99}, {"prompt": "gore and mutilation"}, {}, {"n": 1}):
            client.post("/v1/images/generations", json=ASK | more)
        client.post("/v1/images/edits", content=b"{")
        client.get("/v1/files/nothing")
        text = client.get("/metrics").text
        client.app.state.services.drain()  # type: ignore[attr-defined]
        client.app.state.services.limiter.give_back("testclient", 1)  # type: ignore[attr-defined]
        client.post("/v1/images/generations", json=ASK)
        later = client.get("/metrics").text
    counted = dict(re.findall(r'limner_refused_requests_total{reason="(\w+)"} (\S+)', text))
    assert counted == {"invalid_request": "2.0", "moderation": "1.0", "rate_limit": "1.0"}
    assert 'limner_refused_requests_total{reason="shutting_down"} 1.0' in later


def test_browsers_are_let_in_by_name_only(serve: Serve) -> None:
    """No page may call by default; those that the operator names may."""
    asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
    with serve() as client:
        assert "access-control-allow-origin" not in client.get("/healthz", headers=asked).headers
    with serve(cors_origins=("https://app.example",)) as client:
        answer = client.options("/v1/images/generations", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        other = client.get("/healthz", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_links_begin_with_the_public_address(serve: Serve) -> None:
    """Where the operator says it; a stranger's X-Forwarded-Host is not believed."""
    with serve(public_url="https://draw.example.com/limner") as client:
        [item] = client.post("/v1/images/generations", json=ASK).json()["data"]
        assert item["url"].startswith("https://draw.example.com/limner/files/images/img_")
    with serve() as client:
        forged = {"x-forwarded-host": "evil.example"}
        [item] = client.post("/v1/images/generations", json=ASK, headers=forged).json()["data"]
        assert item["url"].startswith("http://testserver/files/images/img_")


def test_a_wrong_setting_is_told_at_start(serve: Serve) -> None:
    """Not at the first request."""
    with pytest.raises(SettingsError, match="LIMNER_ALIASES"), serve(aliases=("painter",)):
        pass


def test_aliases_and_own_names_draw(serve: Serve) -> None:
    """OpenAI's names may be switched off."""
    with serve(aliases=("painter=dall-e-3",), openai_names=False) as client:
        [item] = client.post("/v1/images/generations", json=ASK | {"model": "painter"}).json()["data"]
        assert item["revised_prompt"] == "a cat"
        assert client.post("/v1/images/generations", json=ASK | {"model": "fake"}).status_code == 200
        assert client.post("/v1/images/generations", json=ASK).status_code == 400
