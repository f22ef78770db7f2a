"""Who waits, and in which order they start.

The highest priority goes first; within it the keys take turns, so that whoever sends many requests waits
behind himself; within a key the smallest request goes first. Every fourth start belongs to the oldest request
of all, so nobody starves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

__all__ = ["OLDEST_EVERY", "Entry", "WaitingQueue"]

OLDEST_EVERY = 4
"""One in so many starts, and one in so many steps, belongs to the oldest request."""


class Entry(Protocol):
    """What the queue knows of a request.

    Attributes:
        order: its number; later ones have larger numbers.
        key: for whom it is.
        priority: larger ones go first.
        size: its work in all.
    """

    @property
    def order(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def priority(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


EntryT = TypeVar("EntryT", bound=Entry)

# The requests of one key and priority. The order of the lanes in their dictionary is whose turn it is.
Lanes = dict[tuple[int, str], list[EntryT]]


class WaitingQueue(Generic[EntryT]):
    """At most `size` entries, ranked anew whenever one comes or goes. Not for several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lanes: Lanes[EntryT] = {}
        self._turn = 0

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def __iter__(self) -> Iterator[EntryT]:
        return (entry for lane in self._lanes.values() for entry in lane)

    def __contains__(self, entry: EntryT) -> bool:
        return entry in self._lanes.get(_lane(entry), ())

    @property
    def full(self) -> bool:
        """There is no room for another."""
        return len(self) >= self._size

    def add(self, entry: EntryT) -> None:
        """Take an entry in; whoever calls has seen that there is room."""
        self._lanes.setdefault(_lane(entry), []).append(entry)

    def ranked(self) -> list[EntryT]:
        """All entries in the order in which they start if nobody comes or goes."""
        lanes = {key: list(entries) for key, entries in self._lanes.items()}
        ranked: list[EntryT] = []
        while lanes:
            ranked.append(_next(lanes, self._turn + len(ranked)))
            _take(lanes, ranked[-1])
        return ranked

    def start(self, entry: EntryT) -> None:
        """Take an entry out because it starts: its key has had its turn.

        One that starts before its turn, because it is small, does not use up the turn of the oldest.
        """
        if entry is _next(self._lanes, self._turn):
            self._turn += 1
        _take(self._lanes, entry)

    def remove(self, entry: EntryT) -> None:
        """Take an entry out that will not start."""
        lane = self._lanes[_lane(entry)]
        lane.remove(entry)
        if not lane:
            del self._lanes[_lane(entry)]


def _lane(entry: Entry) -> tuple[int, str]:
    return entry.priority, entry.key


def _next(lanes: Lanes[EntryT], turn: int) -> EntryT:
    if turn % OLDEST_EVERY == OLDEST_EVERY - 1:
        return min((entry for lane in lanes.values() for entry in lane), key=lambda entry: entry.order)
    highest = max(priority for priority, _ in lanes)
    lane = next(entries for (priority, _), entries in lanes.items() if priority == highest)
    return min(lane, key=lambda entry: (entry.size, entry.order))


def _take(lanes: Lanes[EntryT], entry: EntryT) -> None:
    lane = lanes.pop(_lane(entry))
    lane.remove(entry)
    if lane:
        lanes[_lane(entry)] = lane
