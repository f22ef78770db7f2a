"""How many pictures it pays to step together, learned from how long steps take.

A *place* is one row of the network's batch: a picture takes one, a guided picture two. Some engines step
eight as fast as one; others, one row after the other, gain nothing and only make everyone wait for all. No
setting can know that, so every size is tried a few times when there are enough pictures for it. The best size
is the one with which all who are there wait least, on average: n places in steps of b at a time are done after
(n / b + 1) / 2 times a step of b. With few there, a batch must gain much to be worth the wait for its last
picture; with many, what counts is what is done in a second. What has not been seen for long is forgotten and
tried again, so that what was once disturbed, or has changed, does not stay.
"""

from __future__ import annotations

from collections import defaultdict, deque

__all__ = ["StepTimes"]

Shape = tuple[int, ...]

# A larger size must spare this share of the wait, or it is measurements' noise.
_WORTH = 0.05
# The smallest of a few: what disturbs a measurement only ever adds to it.
_KEPT = 5
_TRIES = 3
_FORGOTTEN_AFTER = 1000


class StepTimes:
    """Measured seconds of a step, by the pictures' shape and the number of places.

    Args:
        largest: never advise more places than this.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._tables: defaultdict[Shape, _Table] = defaultdict(_Table)

    def record(self, shape: Shape, places: int, seconds: float) -> None:
        """Note one step of so many places together."""
        self._tables[shape].record(places, max(seconds, 0.0))

    def failed(self, shape: Shape, places: int) -> None:
        """Note that so many were too many: together they failed, apart they did not."""
        self._tables[shape].failed(places)

    def untried(self, shape: Shape, least: int, most: int) -> int | None:
        """A size worth trying where from `least` to `most` places can be filled, or None.

        Half the best size so far, twice, and four times: where two gain nothing, four still may.
        """
        table = self._tables[shape]
        best = table.best(most)
        for size in (table.smallest(), best // 2, 2 * best, 4 * best):
            if least <= size <= min(most, table.limit(self._largest)) and not table.tried(size):
                return size
        return None

    def best(self, shape: Shape, present: int) -> int:
        """The smallest size with which so many places are done about as soon as can be, on average."""
        table = self._tables[shape]
        return min(table.best(present), table.limit(self._largest))

    def bearable(self, shape: Shape, places: int, slowdown: float) -> int:
        """The most places whose step takes at most `slowdown` times as long as one of `places`."""
        table = self._tables[shape]
        longest = slowdown * table.predict(places)
        size = places
        while size < table.limit(self._largest) and table.predict(size + 1) <= longest:
            size += 1
        return size


class _Table:
    """The measurements of one shape."""

    def __init__(self) -> None:
        self._seconds: dict[int, deque[float]] = {}
        self._last_step: dict[int, int] = {}
        self._too_many: dict[int, int] = {}
        self._steps = 0

    def record(self, places: int, seconds: float) -> None:
        self._steps += 1
        self._seconds.setdefault(places, deque(maxlen=_KEPT)).append(seconds)
        self._last_step[places] = self._steps
        for size in [size for size, last in self._last_step.items() if self._old(last)]:
            del self._seconds[size], self._last_step[size]
        for size in [size for size, last in self._too_many.items() if self._old(last)]:
            del self._too_many[size]

    def _old(self, step: int) -> bool:
        return self._steps - step > _FORGOTTEN_AFTER

    def failed(self, places: int) -> None:
        self._too_many[places] = self._steps

    def limit(self, largest: int) -> int:
        return min([largest, *(places - 1 for places in self._too_many)])

    def tried(self, size: int) -> bool:
        # One place less is near enough: it may be all that is left beside guided pictures, which take two.
        return any(self._known(near) for near in ((size, size - 1) if size > 2 else (size,)))

    def _known(self, size: int) -> bool:
        return len(self._seconds.get(size, ())) >= _TRIES

    def smallest(self) -> int:
        return min(self._seconds, default=1)

    def best(self, present: int) -> int:
        sizes = sorted(size for size in self._seconds if self._known(size))
        best = sizes[0] if sizes else self.smallest()
        for size in sizes:
            if self._wait(size, present) < (1 - _WORTH) * self._wait(best, present):
                best = size
        return best

    def _wait(self, size: int, present: int) -> float:
        """The average wait for so many places, in their steps: the first of n / size batches waits for one."""
        return self.predict(size) * (max(present, size) / size + 1) / 2

    def predict(self, places: int) -> float:
        """The step's seconds: measured, or on the line between the sizes around it, or in proportion."""
        known = sorted(self._seconds)
        if not known:
            return float(places)
        low = max((size for size in known if size <= places), default=known[0])
        high = min((size for size in known if size >= places), default=known[-1])
        if low >= high:
            return min(self._seconds[low]) * places / low
        share = (places - low) / (high - low)
        return (1 - share) * min(self._seconds[low]) + share * min(self._seconds[high])
