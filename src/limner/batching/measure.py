"""How long work takes here, as measured, and so how long there is to wait."""

from __future__ import annotations

__all__ = ["ServiceTime"]

# The weight of the newest measurement: half of what is known comes from the last 14.
_NEWEST = 0.05
_SHORTEST_RETRY = 1.0


class ServiceTime:
    """Seconds of service per unit of work, exponentially weighted.

    A unit is one place in one step, so a picture takes as many as it has steps, and twice as many if it is
    guided. Everything that the device does besides (texts, decoding, previews) is spread over them.
    """

    def __init__(self) -> None:
        self._units = 0.0
        self._seconds = 0.0

    def record(self, units: int, seconds: float) -> None:
        """Add what one tick did, and the seconds that it took.

        Both are averaged apart: a tick that decodes takes long and makes few steps.
        """
        # The first measurement counts in full: there is no older one to weigh it against.
        newest = _NEWEST if self._units else 1.0
        self._units += newest * (units - self._units)
        self._seconds += newest * (max(seconds, 0.0) - self._seconds)

    def seconds(self, units: int) -> float:
        """The seconds that so much work should take; 0 while nothing is measured."""
        return units * self._seconds / self._units if self._units else 0.0

    def retry_after(self, units: int) -> float:
        """Seconds after which to come back, where so much is waiting: by then half of it is worked off."""
        return max(_SHORTEST_RETRY, self.seconds(units) / 2)
