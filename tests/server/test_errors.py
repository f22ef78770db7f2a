"""`limner.server.errors`: one envelope, OpenAI's words, nothing of the inside."""

from __future__ import annotations

import pytest

from limner.errors import (
    CancelledError,
    DataError,
    DeadlineError,
    EngineError,
    ImageInputError,
    InvalidRequestError,
    LimnerError,
    NonFiniteError,
    NotFoundError,
    OutputError,
    QueueFullError,
    ShuttingDownError,
    StorageDownError,
    StorageFullError,
)
from limner.server.errors import ApiError, from_http, from_limner, refusal

INSIDE = "/srv/models/weights"


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (InvalidRequestError("x", param="seed"), 400, "invalid_request_error", "invalid_value"),
        (ImageInputError("x"), 400, "image_generation_user_error", "invalid_image_file"),
        (NotFoundError("x"), 404, "invalid_request_error", "not_found"),
        (QueueFullError(3), 429, "rate_limit_error", "slow_down"),
        (ShuttingDownError(3), 503, "service_unavailable_error", "server_is_overloaded"),
        (CancelledError("x"), 503, "service_unavailable_error", "server_is_overloaded"),
        (StorageFullError("x"), 503, "service_unavailable_error", "server_is_overloaded"),
        (StorageDownError("x"), 503, "service_unavailable_error", "server_is_overloaded"),
        (DeadlineError("x"), 504, "server_error", "request_timeout"),
        (EngineError("x"), 500, "image_generation_server_error", "image_generation_failed"),
        (NonFiniteError("x"), 500, "image_generation_server_error", "image_generation_failed"),
        (OutputError("x"), 500, "server_error", None),
    ],
)
def test_each_error_has_a_status_a_type_and_a_code(
    error: LimnerError, status: int, kind: str, code: str | None
) -> None:
    """As OpenAI's clients know them."""
    told = from_limner(error)
    assert (told.status, told.type, told.code) == (status, kind, code)


@pytest.mark.parametrize(
    "kind", [EngineError, OutputError, StorageDownError, StorageFullError, DataError, LimnerError]
)
def test_nothing_of_the_inside_is_told(kind: type[LimnerError]) -> None:
    """What is not the client's doing has a sentence of its own."""
    assert INSIDE not in str(from_limner(kind(f"{INSIDE} is broken")).envelope())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ApiError("x", status=429, code="rate_limit_exceeded"), "rate_limit"),
        (ApiError("x", code="moderation_blocked"), "moderation"),
        (ApiError("x", code="content_policy_violation"), "moderation"),
        (ApiError("x", status=413, code="request_too_large"), "invalid_request"),
        (ImageInputError("x"), "invalid_request"),
        (EngineError("x"), None),
    ],
)
def test_a_refusal_has_a_reason(error: LimnerError, reason: str | None) -> None:
    """One of three words, however many codes there are; what is this side's fault is no refusal."""
    assert refusal(error) == reason


def test_the_pipelines_names_are_not_the_wires() -> None:
    """`param` is what the client wrote."""
    assert from_limner(InvalidRequestError("x", param="guidance")).param == "guidance_scale"
    assert from_limner(InvalidRequestError("x", param="steps")).param == "steps"


def test_when_to_come_back_is_told_within_what_clients_heed() -> None:
    """Python's gives up above 120 s, Node's ignores more than 60."""
    headers = from_limner(QueueFullError(2.5)).headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("3", "2500")
    assert from_limner(QueueFullError(600)).headers["retry-after"] == "60"


def test_clients_are_kept_from_trying_in_vain() -> None:
    """A job that was too long once is too long again."""
    assert from_limner(DeadlineError("x")).headers == {"x-should-retry": "false"}
    assert ApiError("x").headers == {}


def test_the_framework_speaks_in_the_envelope_too() -> None:
    """Unknown paths, wrong methods and what else it refuses."""
    assert str(from_http(404, "GET", "/v1/x")) == "Invalid URL (GET /v1/x)"
    assert from_http(405, "GET", "/", {"allow": "POST"}).headers == {"allow": "POST"}
    assert str(from_http(431, "GET", "/")) == "Request Header Fields Too Large"


def test_the_envelope_always_has_four_keys() -> None:
    """And more where OpenAI has more."""
    envelope = ApiError("x", details={"moderation_details": {}}).envelope()
    assert list(envelope["error"]) == ["message", "type", "param", "code", "moderation_details"]
