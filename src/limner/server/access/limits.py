"""How many pictures a key may have drawn in a minute: a token bucket for each key.

A bucket holds as many tokens as the limit, a picture takes one, and they flow back evenly over a minute. A
request for more pictures than the bucket holds is admitted when it is full and leaves a debt, so that the
average holds and no request is impossible.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import anyio

__all__ = ["Admission", "Buckets", "ImageLimiter", "LocalBuckets"]

_MINUTE = 60.0
_LONGEST_WAIT = 60  # clients of Node ignore a longer one
_TURNS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Whether a request may go on.

    Attributes:
        allowed: it may, and its pictures are counted.
        limit: pictures a minute; 0 for no limit.
        remaining: pictures that could be asked for now.
        reset: seconds until the bucket is full again.
        wait: seconds until this request would be allowed; 0 if it is.
        requested: pictures that were asked for.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: float
    wait: float
    requested: int

    def headers(self) -> Mapping[str, str]:
        """The `x-ratelimit-*` headers of the answer and, if refused, when to come back; {} without limit."""
        if not self.limit:
            return {}
        told = {
            "x-ratelimit-limit-images": str(self.limit),
            "x-ratelimit-remaining-images": str(self.remaining),
            "x-ratelimit-reset-images": _duration(self.reset),
        }
        if self.allowed:
            return told
        wait = min(self.wait, _LONGEST_WAIT)
        return told | {"retry-after": str(math.ceil(wait)), "retry-after-ms": f"{1000 * wait:.0f}"}

    def message(self, model: str) -> str:
        """What to tell the client when it is refused."""
        return (
            f"Rate limit reached for {model} on images per min: Limit {self.limit}, "
            f"Used {self.limit - self.remaining}, Requested {self.requested}. "
            f"Please try again in {_duration(self.wait)}."
        )


class Buckets(Protocol):
    """A token bucket for each key."""

    def take(self, key: str, tokens: int) -> tuple[bool, float]:
        """Take tokens out of a key's bucket if it has them, or is full; whether it did, and how many are left.

        Raises:
            DatabaseError: they are in a database, and that does not answer.
        """

    def give_back(self, key: str, tokens: int) -> None:
        """Put tokens back; see `take` for what is raised."""

    def sweep(self) -> int:
        """Forget full buckets, as an unknown key's bucket is full, too; how many those were."""


@dataclass(kw_only=True, slots=True)
class _Bucket:
    tokens: float
    at: float


class LocalBuckets:
    """Buckets in this process; safe to use from several threads.

    Args:
        size: tokens that a bucket holds, and that flow back in a minute.
        clock: seconds, of any origin.
    """

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key: str, tokens: int) -> tuple[bool, float]:  # noqa: D102  see `Buckets`
        with self._lock:
            bucket = self._filled(key)
            # The clock's rounding must not refuse who waited exactly as long as told.
            allowed = min(tokens, self._size) - bucket.tokens <= 1e-6
            bucket.tokens -= tokens if allowed else 0
            return allowed, bucket.tokens

    def give_back(self, key: str, tokens: int) -> None:  # noqa: D102
        with self._lock:
            bucket = self._filled(key)
            bucket.tokens = min(self._size, bucket.tokens + tokens)

    def sweep(self) -> int:  # noqa: D102
        with self._lock:
            now, before = self._clock(), len(self._buckets)
            self._buckets = {k: b for k, b in self._buckets.items() if self._tokens(b, now) < self._size}
            return before - len(self._buckets)

    def _filled(self, key: str) -> _Bucket:
        """The key's bucket with what has flowed back into it since it was last looked at."""
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(tokens=self._size, at=now))
        bucket.tokens = self._tokens(bucket, now)
        bucket.at = now
        return bucket

    def _tokens(self, bucket: _Bucket, now: float) -> float:
        return min(self._size, bucket.tokens + (now - bucket.at) * self._size / _MINUTE)


class ImageLimiter:
    """Counts each key's pictures; safe to use from several threads.

    Args:
        per_minute: pictures a minute for each key; 0 for no limit.
        buckets: of so many tokens; by default in this process.

    Attributes:
        turns: how many threads may ask at a time.
    """

    def __init__(self, per_minute: int, buckets: Buckets | None = None) -> None:
        self._limit = per_minute
        self._buckets = buckets or LocalBuckets(per_minute)
        self.turns = anyio.CapacityLimiter(_TURNS)

    def take(self, key: str, images: int) -> Admission:
        """Ask for `images` pictures on behalf of `key`, and count them if they are allowed.

        Raises:
            DatabaseError: the count is in a database, and that does not answer.
        """
        if not self._limit:
            return Admission(allowed=True, limit=0, remaining=0, reset=0, wait=0, requested=images)
        allowed, left = self._buckets.take(key, images)
        return Admission(
            allowed=allowed,
            limit=self._limit,
            remaining=max(0, math.floor(left + 1e-6)),
            reset=self._seconds(self._limit - left),
            wait=0 if allowed else self._seconds(min(images, self._limit) - left),
            requested=images,
        )

    def give_back(self, key: str, images: int) -> None:
        """Take back the count of pictures that were allowed, and then refused for another reason.

        Raises:
            DatabaseError: the count is in a database, and that does not answer.
        """
        if self._limit:
            self._buckets.give_back(key, images)

    def sweep(self) -> int:
        """Forget the keys that nothing is known of any more; how many those were."""
        return self._buckets.sweep() if self._limit else 0

    def _seconds(self, tokens: float) -> float:
        """How long tokens take to flow back, in whole milliseconds, not less."""
        return math.ceil(round(1000 * tokens * _MINUTE / self._limit, 6)) / 1000


def _duration(seconds: float) -> str:
    """As OpenAI writes it: 50ms, 1s, 12.5s, 6m0s."""
    if seconds < 1:
        return f"{1000 * seconds:.0f}ms"
    minutes, rest = divmod(math.ceil(round(10 * seconds, 6)) / 10, _MINUTE)
    return (f"{minutes:.0f}m" if minutes else "") + f"{rest:.3g}s"
