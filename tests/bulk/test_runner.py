"""`limner.bulk.runner`: every piece once, the end once, owners evenly, and one list's fault is its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from limner.bulk.runner import Piece, Runner


class Pieces:
    """A list of so many pieces that notes what becomes of it."""

    def __init__(self, count: int, owner: str = "ann", do: Callable[[int], None] = lambda _: None) -> None:
        self.owner = owner
        self.begun: list[int] = []
        self.done: list[int] = []
        self.errors: list[str] = []
        self.ended = threading.Event()
        self._count = count
        self._do = do

    def take(self) -> Piece | None:
        """The next number."""
        if len(self.begun) == self._count:
            return None
        number = len(self.begun)
        self.begun.append(number)
        return lambda: self._piece(number)

    def _piece(self, number: int) -> None:
        self._do(number)
        self.done.append(number)

    def broke(self, error: Exception) -> None:
        """Note it."""
        self.errors.append(str(error))

    def finish(self) -> None:
        """All is over."""
        assert not self.ended.is_set()
        self.ended.set()


def fail_at_first(number: int) -> None:
    """The first piece fails."""
    if number == 0:
        raise ValueError("the first one fails")


@pytest.fixture
def runner() -> Iterator[Runner]:
    """With three threads."""
    found = Runner(3)
    found.start()
    yield found
    assert found.close(10)


@pytest.mark.parametrize("count", [0, 1, 50])
def test_every_piece_is_done_once_and_then_the_end_comes(runner: Runner, count: int) -> None:
    """Also of a list without any."""
    work = Pieces(count)
    runner.add(work)
    assert work.ended.wait(10)
    assert sorted(work.done) == list(range(count))


def test_a_piece_that_fails_is_told_and_the_others_go_on(runner: Runner) -> None:
    """The list hears of its own fault; another list does not."""
    failing, other = Pieces(3, do=fail_at_first), Pieces(20)
    runner.add(failing)
    runner.add(other)
    assert failing.ended.wait(10)
    assert other.ended.wait(10)
    assert (len(failing.done), len(failing.errors), other.errors) == (2, 1, [])


def test_owners_share_the_threads() -> None:
    """Whoever has most under way waits: three lists of one owner do not keep another's from beginning."""
    gate, full = threading.Event(), threading.Barrier(4)

    def wait(_: int) -> None:
        full.wait(10)
        gate.wait(10)

    runner = Runner(3)
    works = [Pieces(1, do=wait), Pieces(1, do=wait), Pieces(1, do=wait), Pieces(1, "bob", do=wait)]
    for work in works:
        runner.add(work)
    runner.start()
    full.wait(10)
    assert works[3].begun == [0]
    gate.set()
    full.abort()
    assert runner.close(10)


def test_nothing_begins_after_the_close() -> None:
    """What is under way is waited for, as long as was said."""
    entered, gate = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        entered.set()
        gate.wait(10)

    runner = Runner(1)
    runner.start()
    work = Pieces(2, do=wait)
    runner.add(work)
    assert entered.wait(10)
    assert not runner.close(0.01)
    gate.set()
    assert runner.close(10)
    assert (work.done, work.ended.is_set()) == ([0], False)
