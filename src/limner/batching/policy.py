"""Who is drawn next, and with whom: a function of what waits, what runs, and measured step times.

Four rules:

1. **Nobody waits for company.** Whoever is there steps at once; there is no window in which to gather.
2. **The short go first.** Of requests that differ, the one with the least work left, weighted with its size,
   goes first, between any two steps, so that a small request passes big ones that are half drawn. The
   product of work left and size is what makes the sum of all slowdowns least (Hyytiä, Aalto, Penttinen 2012,
   "Minimizing slowdown in heterogeneous size-aware dispatching systems"); among equals it is shortest
   remaining work first, which lets them finish in the order in which they came.
3. **Nobody starves.** Every fourth step belongs to the oldest request, whatever else there is.
4. **A batch pays, or it is not made.** It is as large as lets those who are there wait least (`steptimes`). While
   requests of very different size are there, a step takes at most half as long again as the first picture's
   alone, so that company costs a small request little.

There are no threads and no clocks in here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from limner.batching.queue import OLDEST_EVERY
from limner.batching.steptimes import StepTimes

__all__ = ["Claim", "Drawn", "Policy"]

_BEARABLE_SLOWDOWN = 1.5
_ALIKE = 2.0


class Claim(Protocol):
    """What the policy knows of a request.

    Attributes:
        order: its number; later ones have larger numbers.
        priority: larger ones go first.
        shape: (C, h, w) of its pictures; only equal ones can step together.
        size: its work in all, in places times steps.
        work: the work left.
        pictures: how many of its pictures are not done.
        places: how many places of a batch each of them takes.
    """

    @property
    def order(self) -> int: ...  # noqa: D102
    @property
    def priority(self) -> int: ...  # noqa: D102
    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def work(self) -> int: ...  # noqa: D102
    @property
    def pictures(self) -> int: ...  # noqa: D102
    @property
    def places(self) -> int: ...  # noqa: D102


class Drawn(Protocol):
    """What the policy knows of a picture that is being drawn.

    Attributes:
        claim: its request.
        index: its number in it.
        left: its steps left, at least 1.
    """

    @property
    def claim(self) -> Claim: ...  # noqa: D102
    @property
    def index(self) -> int: ...  # noqa: D102
    @property
    def left(self) -> int: ...  # noqa: D102


ClaimT = TypeVar("ClaimT", bound=Claim)
DrawnT = TypeVar("DrawnT", bound=Drawn)


class Policy:
    """Decides, and remembers only whose turn it is.

    Args:
        times: what is known of the time that steps take; whoever makes steps keeps it up to date.
        batch_max: at most so many pictures step together.
    """

    def __init__(self, times: StepTimes, batch_max: int) -> None:
        self._times = times
        self._batch_max = batch_max
        self._turn = 0

    def admitted(self, waiting: Sequence[ClaimT], running: Sequence[ClaimT]) -> list[ClaimT]:
        """Those of the waiting that start now.

        As many are drawn at a time as step together. A request that would go before those that are being
        drawn starts besides, and they pause; of those there are at most a batch more.

        Args:
            waiting: the queue, next first.
            running: those that are being drawn.
        """
        ranked = sorted([*running, *waiting], key=_urgency)
        sizes = {key: self._size_for(*key, ranked) for key in {(c.shape, c.places) for c in waiting}}
        inside = [(_urgency(claim), claim.pictures * claim.places) for claim in running]
        chosen = []
        for claim in waiting:
            urgency, size = _urgency(claim), sizes[claim.shape, claim.places]
            ahead = sum(places for other, places in inside if other < urgency)
            if ahead < size and len(inside) < size + self._batch_max:
                inside.append((urgency, claim.pictures * claim.places))
                chosen.append(claim)
        return chosen

    def _size_for(self, shape: tuple[int, ...], places: int, ranked: Iterable[Claim]) -> int:
        """How many places the next steps will have, for a picture of so many."""
        same = [claim for claim in ranked if claim.shape == shape]
        most = self._fillable(claim.places for claim in same for _ in range(claim.pictures))
        return self._times.untried(shape, places, most) or self._times.best(shape, _present(same))

    def together(self, drawn: Iterable[DrawnT], waiting: Iterable[Claim] = ()) -> list[DrawnT]:
        """The pictures that make the next step together; none only if there are none.

        Args:
            drawn: those that are being drawn.
            waiting: the queue; the longer it is, the more counts what is done in a second.
        """
        ranked = sorted(drawn, key=_picture_urgency)
        if not ranked:
            return []
        self._turn += 1
        if self._turn % OLDEST_EVERY == 0:
            oldest = min(picture.claim.order for picture in ranked)
            ranked.sort(key=lambda picture: picture.claim.order != oldest)
        ranked = [picture for picture in ranked if picture.claim.shape == ranked[0].claim.shape]
        return self._filled(ranked, self._places_for(ranked, waiting))

    def _places_for(self, ranked: Sequence[DrawnT], waiting: Iterable[Claim]) -> int:
        first = ranked[0].claim
        most = self._fillable(picture.claim.places for picture in ranked)
        untried = self._times.untried(first.shape, first.places, most)
        sizes = [picture.claim.size for picture in ranked]
        if untried is not None and max(sizes) <= _ALIKE * first.size:
            return untried
        drawn = sum(picture.claim.places for picture in ranked)
        best = self._times.best(
            first.shape, drawn + _present(claim for claim in waiting if claim.shape == first.shape)
        )
        if max(sizes) <= _ALIKE * min(sizes):
            return best
        return min(best, self._times.bearable(first.shape, first.places, _BEARABLE_SLOWDOWN))

    def _filled(self, ranked: Sequence[DrawnT], places: int) -> list[DrawnT]:
        batch, taken = [ranked[0]], ranked[0].claim.places
        for picture in ranked[1:]:
            if len(batch) < self._batch_max and taken + picture.claim.places <= places:
                batch.append(picture)
                taken += picture.claim.places
        return batch

    def _fillable(self, places: Iterable[int]) -> int:
        return sum(islice(places, self._batch_max))


def _present(claims: Iterable[Claim]) -> int:
    return sum(claim.pictures * claim.places for claim in claims)


def _urgency(claim: Claim) -> tuple[int, int, int]:
    return -claim.priority, claim.work * claim.size, claim.order


def _picture_urgency(picture: Drawn) -> tuple[int, int, int, int, int]:
    return *_urgency(picture.claim), picture.left, picture.index
