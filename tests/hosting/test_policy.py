"""Who leaves, so that another model has room."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from limner.hosting.policy import Holding, leaving, outworn

SIZES = st.integers(0, 100)
FACTS = st.tuples(SIZES, st.integers(0, 9), st.booleans(), st.booleans())
HELD = st.lists(FACTS, max_size=5).map(
    lambda held: [
        Holding(name=str(at), size=size, used_at=used_at, idle=idle, pinned=pinned)
        for at, (size, used_at, idle, pinned) in enumerate(held)
    ]
)


def left(held: list[Holding], gone: tuple[str, ...]) -> int:
    """The bytes that those take that stay."""
    return sum(holding.size for holding in held if holding.name not in gone)


@settings(deadline=None, derandomize=True)
@given(HELD, SIZES, SIZES)
def test_there_is_room_without_those_that_leave(held: list[Holding], needed: int, limit: int) -> None:
    """And none of them is pinned or has work; where nobody leaves, there was room before."""
    gone = leaving(held, needed, limit)
    if gone is not None:
        assert left(held, gone) + needed <= limit
        assert all(holding.may_leave for holding in held if holding.name in gone)
        assert gone == () or left(held, ()) + needed > limit


@settings(deadline=None, derandomize=True)
@given(HELD, SIZES, SIZES)
def test_nobody_leaves_in_vain(held: list[Holding], needed: int, limit: int) -> None:
    """Without any one of those that leave, there would be no room."""
    for name in (gone := leaving(held, needed, limit) or ()):
        assert left(held, tuple(other for other in gone if other != name)) + needed > limit


@settings(deadline=None, derandomize=True)
@given(HELD, SIZES, SIZES)
def test_no_room_is_said_only_where_there_is_none(held: list[Holding], needed: int, limit: int) -> None:
    """That is, if it does not even fit beside those that stay in any case."""
    kept = sum(holding.size for holding in held if not holding.may_leave)
    assert (leaving(held, needed, limit) is None) == (kept + needed > limit)


def test_the_least_recently_used_leaves_first() -> None:
    """Not the largest, nor the one that was there first."""
    held = [
        Holding(name="new", size=50, used_at=9),
        Holding(name="old", size=10, used_at=1),
        Holding(name="older", size=10, used_at=0),
    ]
    assert leaving(held, 40, 100) == ("older",)
    assert leaving(held, 50, 100) == ("older", "old")


def test_a_small_one_stays_where_only_a_large_one_makes_room() -> None:
    """Though it was used less recently."""
    held = [Holding(name="large", size=50, used_at=9), Holding(name="small", size=10, used_at=1)]
    assert leaving(held, 95, 100) == ("small", "large")
    assert leaving(held, 80, 100) == ("large",)


@settings(deadline=None, derandomize=True)
@given(HELD, st.integers(0, 20), st.integers(1, 9))
def test_who_is_not_used_is_worn_out(held: list[Holding], now: int, seconds: int) -> None:
    """After so many seconds, unless it is pinned or has work; without a time, never."""
    worn = outworn(held, now, seconds)
    for holding in held:
        assert (holding.name in worn) == (holding.may_leave and now - holding.used_at >= seconds)
    assert outworn(held, now, 0) == ()
