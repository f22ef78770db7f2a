"""`limner.server.drawing.judging`: words that must not be drawn, and too many pictures."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from limner.safety.prompts import PromptGuard
from limner.server.access.auth import Caller
from limner.server.access.limits import ImageLimiter, LocalBuckets
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.drawing.judging import admit, check_prompt
from limner.server.errors import ApiError
from tests.server.helpers import NAMES, json_body, judge

BAD = "a nude woman, gore and mutilation"
GUARD = PromptGuard()


def call(family: str = "G2", **values: Any) -> Call:
    """A call of this family."""
    body = {"prompt": "a cat", "model": NAMES[family]} | values
    found = judge(Route.GENERATIONS, json_body(**body), strict=False)
    assert isinstance(found, Call)
    return found


def test_a_harmless_prompt_passes() -> None:
    """Nothing is raised."""
    check_prompt(GUARD, call(), "req_1")


@pytest.mark.parametrize("family", ["D2", "D3"])
def test_dalle_has_its_own_refusal(family: str) -> None:
    """Clients match on the code and on "safety system"."""
    with pytest.raises(ApiError, match="safety system") as caught:
        check_prompt(GUARD, call(family, prompt=BAD), "req_1")
    assert (caught.value.type, caught.value.code) == ("invalid_request_error", "content_policy_violation")


@pytest.mark.parametrize("family", ["G1", "G2"])
def test_the_newer_names_tell_what_was_violated(family: str) -> None:
    """With the request's id and the categories."""
    with pytest.raises(ApiError, match=r"request ID req_1\. safety_violations=\[.+\]\.$") as caught:
        check_prompt(GUARD, call(family, prompt=BAD), "req_1")
    error = caught.value
    assert (error.type, error.code) == ("image_generation_user_error", "moderation_blocked")
    details = error.envelope()["error"]["moderation_details"]
    assert details["moderation_stage"] == "input"
    assert details["categories"]


def test_too_many_pictures_wait() -> None:
    """The headers of an admitted call tell what is left; the refusal tells when to come back."""
    limiter, caller = ImageLimiter(3, LocalBuckets(3, lambda: 0.0)), Caller(owner="o", key="k")
    assert anyio.run(admit, limiter, caller, call(n=2))["x-ratelimit-remaining-images"] == "1"
    with pytest.raises(ApiError, match="Rate limit reached for gpt-image-2") as caught:
        anyio.run(admit, limiter, caller, call(n=2))
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
    assert int(caught.value.headers["retry-after"]) >= 1


def test_without_a_limit_nothing_is_told() -> None:
    """No header pretends that there is one."""
    assert anyio.run(admit, ImageLimiter(0), Caller(owner="o", key="k"), call(n=10)) == {}
