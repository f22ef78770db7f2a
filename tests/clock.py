"""A clock that stands still until it is told to go on."""

from __future__ import annotations

__all__ = ["Clock"]


class Clock:
    """Call it for the time; set `now` to change it."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time."""
        return self.now
