"""Who waits, and in which order they start."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from limner.batching.queue import WaitingQueue


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """An entry with a name of its own."""

    order: int
    key: str = ""
    priority: int = 0
    size: int = 1


def filled(*entries: Waiting, size: int = 32) -> WaitingQueue[Waiting]:
    """A queue with these entries in it."""
    queue = WaitingQueue[Waiting](size)
    for entry in entries:
        queue.add(entry)
    return queue


def orders(queue: WaitingQueue[Waiting]) -> list[int]:
    """The ranking, by the entries' numbers."""
    return [entry.order for entry in queue.ranked()]


def test_equal_requests_start_in_the_order_in_which_they_came() -> None:
    """First come, first served, where nothing speaks against it."""
    assert orders(filled(*(Waiting(order=i) for i in range(6)))) == [0, 1, 2, 3, 4, 5]


def test_a_queue_is_full_at_its_size() -> None:
    """The bound is exact, and room is made when someone leaves."""
    first, second = Waiting(order=0), Waiting(order=1)
    queue = filled(first, second, size=2)
    assert queue.full
    queue.remove(first)
    assert not queue.full
    assert (len(queue), second in queue, first in queue) == (1, True, False)


def test_a_higher_priority_starts_first() -> None:
    """Priority comes before turns and sizes."""
    assert orders(filled(Waiting(order=0), Waiting(order=1, priority=5, size=9))) == [1, 0]


def test_a_small_request_starts_before_big_ones_of_its_key() -> None:
    """Within a key the smallest is next."""
    assert orders(filled(Waiting(order=0, size=25), Waiting(order=1, size=4))) == [1, 0]


def test_keys_take_turns() -> None:
    """Whoever sends many requests waits behind himself, not others behind him."""
    flood = [Waiting(order=i, key="flood") for i in range(6)]
    queue = filled(*flood)
    queue.start(flood[0])
    for order in (6, 7):
        queue.add(Waiting(order=order, key="other"))
    assert orders(queue) == [1, 6, 2, 7, 3, 4, 5]


def test_a_key_that_comes_back_at_once_goes_to_the_end_of_the_line() -> None:
    """One request at a time does not get around the turns."""
    waiting = Waiting(order=1, key="patient")
    queue = filled(Waiting(order=0, key="quick"), waiting)
    queue.start(queue.ranked()[0])
    queue.add(Waiting(order=2, key="quick"))
    assert queue.ranked()[0] is waiting


def test_every_fourth_start_belongs_to_the_oldest() -> None:
    """A big request of low priority starts at the fourth turn, however many others come."""
    queue = filled(Waiting(order=0, size=1000, priority=-1))
    started = []
    for order in range(1, 5):
        queue.add(Waiting(order=order))
        started.append(queue.ranked()[0])
        queue.start(started[-1])
    assert [entry.order for entry in started] == [1, 2, 3, 0]


def test_whoever_starts_out_of_turn_leaves_the_turn_of_the_oldest() -> None:
    """A request that overtakes at the fourth turn does not use it up."""
    oldest, small = Waiting(order=0, size=1000), Waiting(order=4, size=0)
    queue = filled(oldest, *(Waiting(order=i) for i in (1, 2, 3)), small)
    for _ in range(3):
        queue.start(queue.ranked()[0])
    [passing] = [entry for entry in queue if entry is not oldest]
    queue.start(passing)
    queue.add(Waiting(order=5))
    assert queue.ranked()[0] is oldest


entries = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.integers(1, 50)), min_size=1, max_size=16
)


@settings(deadline=None, derandomize=True)
@given(entries)
def test_the_ranking_is_what_happens(drawn: list[tuple[str, int, int]]) -> None:
    """If nobody comes or goes, they start exactly as the ranking said, each once."""
    waiting = [Waiting(order=i, key=k, priority=p, size=s) for i, (k, p, s) in enumerate(drawn)]
    queue = filled(*waiting)
    promised = queue.ranked()
    happened = []
    while len(queue):
        happened.append(queue.ranked()[0])
        queue.start(happened[-1])
    assert happened == promised
    assert sorted(entry.order for entry in happened) == list(range(len(drawn)))
