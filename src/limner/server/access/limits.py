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

__all__ = ["Admission", "ImageLimiter"]

_MINUTE = 60.0
_LONGEST_WAIT = 60  # clients of Node ignore a longer one
_MANY = 1024


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


@dataclass(kw_only=True, slots=True)
class _Bucket:
    tokens: float
    at: float


class ImageLimiter:
    """Counts each key's pictures; safe to use from several threads.

    Args:
        per_minute: pictures a minute for each key; 0 for no limit.
        clock: seconds, of any origin.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = per_minute
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._tidy_at = _MANY
        self._lock = threading.Lock()

    def take(self, key: str, images: int) -> Admission:
        """Ask for `images` pictures on behalf of `key`, and count them if they are allowed."""
        if not self._limit:
            return Admission(allowed=True, limit=0, remaining=0, reset=0, wait=0, requested=images)
        with self._lock:
            bucket = self._filled(key)
            missing = min(images, self._limit) - bucket.tokens
            # The clock's rounding must not refuse who waited exactly as long as told.
            allowed = missing <= 1e-6
            bucket.tokens -= images if allowed else 0
            return Admission(
                allowed=allowed,
                limit=self._limit,
                remaining=max(0, math.floor(bucket.tokens + 1e-6)),
                reset=self._seconds(self._limit - bucket.tokens),
                wait=0 if allowed else self._seconds(missing),
                requested=images,
            )

    def give_back(self, key: str, images: int) -> None:
        """Take back the count of pictures that were allowed, and then refused for another reason."""
        if self._limit:
            with self._lock:
                bucket = self._filled(key)
                bucket.tokens = min(self._limit, bucket.tokens + images)

    def _filled(self, key: str) -> _Bucket:
        """The key's bucket with what has flowed back into it since it was last looked at."""
        now = self._clock()
        if len(self._buckets) >= self._tidy_at:
            self._tidy(now)
        bucket = self._buckets.setdefault(key, _Bucket(tokens=self._limit, at=now))
        bucket.tokens = self._tokens(bucket, now)
        bucket.at = now
        return bucket

    def _tokens(self, bucket: _Bucket, now: float) -> float:
        return min(self._limit, bucket.tokens + (now - bucket.at) * self._limit / _MINUTE)

    def _tidy(self, now: float) -> None:
        """Forget full buckets: an unknown key's bucket is full, too."""
        self._buckets = {k: b for k, b in self._buckets.items() if self._tokens(b, now) < self._limit}
        self._tidy_at = max(_MANY, 2 * len(self._buckets))

    def _seconds(self, tokens: float) -> float:
        """How long tokens take to flow back, in whole milliseconds, not less."""
        return math.ceil(round(1000 * tokens * _MINUTE / self._limit, 6)) / 1000


def _duration(seconds: float) -> str:
    """As OpenAI writes it: 50ms, 1s, 12.5s, 6m0s."""
    if seconds < 1:
        return f"{1000 * seconds:.0f}ms"
    minutes, rest = divmod(math.ceil(round(10 * seconds, 6)) / 10, _MINUTE)
    return (f"{minutes:.0f}m" if minutes else "") + f"{rest:.3g}s"
