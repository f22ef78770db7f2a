"""`limner.server.access.limits`: so many pictures a minute, for each key by itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.server.access.limits import ImageLimiter, LocalBuckets
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    """A clock that starts at 0."""
    return Clock(0.0)


@pytest.fixture
def limiter(clock: Clock) -> ImageLimiter:
    """Six pictures a minute: one each ten seconds."""
    return ImageLimiter(6, LocalBuckets(6, clock))


def test_a_minutes_worth_may_come_at_once(limiter: ImageLimiter) -> None:
    """Six are allowed in any portions, a seventh is not, and is not counted either."""
    assert [limiter.take("a", n).allowed for n in (1, 2, 3)] == [True, True, True]
    refused = [limiter.take("a", 1) for _ in range(3)]
    assert [(each.allowed, each.remaining, each.wait) for each in refused] == [(False, 0, 10)] * 3


def test_tokens_flow_back_evenly(limiter: ImageLimiter, clock: Clock) -> None:
    """After ten seconds there is one again, after a minute there are six, and never more."""
    limiter.take("a", 6)
    clock.now = 9.9
    assert not limiter.take("a", 1).allowed
    clock.now = 10.0
    assert limiter.take("a", 1).allowed
    clock.now = 1000.0
    assert limiter.take("a", 1).remaining == 5


def test_keys_do_not_share(limiter: ImageLimiter) -> None:
    """Who has used up their own takes nothing from others."""
    limiter.take("a", 6)
    assert limiter.take("b", 6).allowed


def test_a_request_for_more_than_the_limit_is_paid_back(limiter: ImageLimiter, clock: Clock) -> None:
    """Ten are allowed when the bucket is full; then four more have to flow back before the next one."""
    assert limiter.take("a", 10).allowed
    refused = limiter.take("a", 1)
    assert (refused.allowed, refused.remaining, refused.wait) == (False, 0, 50)
    clock.now = 50.0
    assert limiter.take("a", 1).allowed


def test_what_is_given_back_can_be_taken_again(limiter: ImageLimiter) -> None:
    """Never more than there was."""
    limiter.take("a", 4)
    limiter.give_back("a", 4)
    assert limiter.take("a", 6).allowed
    limiter.give_back("a", 6)
    limiter.give_back("a", 6)
    assert limiter.take("a", 1).remaining == 5


def test_the_headers_are_openais(limiter: ImageLimiter) -> None:
    """Limit, remaining and the time until all is as before, with each answer."""
    assert limiter.take("a", 2).headers() == {
        "x-ratelimit-limit-images": "6",
        "x-ratelimit-remaining-images": "4",
        "x-ratelimit-reset-images": "20s",
    }


def test_a_refusal_says_when_to_come_back(limiter: ImageLimiter, clock: Clock) -> None:
    """In whole seconds, in milliseconds, and in words."""
    limiter.take("a", 6)
    clock.now = 7.5
    refused = limiter.take("a", 1)
    assert refused.headers() == {
        "x-ratelimit-limit-images": "6",
        "x-ratelimit-remaining-images": "0",
        "x-ratelimit-reset-images": "52.5s",
        "retry-after": "3",
        "retry-after-ms": "2500",
    }
    assert refused.message("dall-e-2") == (
        "Rate limit reached for dall-e-2 on images per min: Limit 6, Used 6, Requested 1. "
        "Please try again in 2.5s."
    )


def test_clients_are_not_told_to_wait_longer_than_they_would(limiter: ImageLimiter) -> None:
    """A client of Node ignores more than 60 seconds; the words still tell the truth."""
    limiter.take("a", 10)
    refused = limiter.take("a", 6)
    assert (refused.wait, refused.headers()["retry-after"]) == (100, "60")
    assert refused.message("m").endswith("Please try again in 1m40s.")


def test_without_a_limit_there_are_no_headers() -> None:
    """0 is no limit."""
    limiter = ImageLimiter(0)
    assert all(limiter.take("a", 10).allowed for _ in range(1000))
    limiter.give_back("a", 10)
    assert limiter.take("a", 1).headers() == {}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.05, "50ms"), (0.9999, "1s"), (1, "1s"), (59.94, "1m0s"), (60, "1m0s"), (340, "5m40s")],
)
def test_durations_are_as_openai_writes_them(clock: Clock, seconds: float, told: str) -> None:
    """Rounded up, so that who waits as told is not too early."""
    limiter = ImageLimiter(1, LocalBuckets(1, clock))
    debt = int(seconds // 60) + 1
    limiter.take("a", debt)
    clock.now = debt * 60 - seconds
    assert limiter.take("a", 1).headers()["x-ratelimit-reset-images"] == told


def test_full_buckets_are_forgotten(limiter: ImageLimiter, clock: Clock) -> None:
    """However many keys come by, who sweeps keeps those of the last minute only."""
    for number in range(3000):
        clock.now += 1
        limiter.take(str(number), 6)
    assert limiter.sweep() == 2940


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(1, 100), st.lists(st.tuples(st.floats(0, 100), st.integers(1, 10))))
def test_the_average_holds(limit: int, requests: list[tuple[float, int]]) -> None:
    """Up to any moment no more are allowed than a full bucket, what flowed back, and one request's debt."""
    clock = Clock(0.0)
    limiter = ImageLimiter(limit, LocalBuckets(limit, clock))
    taken = 0
    for pause, images in requests:
        clock.now += pause
        found = limiter.take("a", images)
        taken += images if found.allowed else 0
        assert taken <= limit + clock.now * limit / 60 + max(0, images - limit) + 9 + 1e-3
        assert 0 <= found.remaining <= limit
        if not found.allowed:
            clock.now += found.wait
            assert limiter.take("a", images).allowed
            taken += images
