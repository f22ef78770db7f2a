"""Which models leave, so that another one has room. Pure: nothing is loaded or unloaded here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Holding", "leaving", "outworn"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """A model that is loaded.

    Attributes:
        name: its name.
        size: the bytes that it takes.
        used_at: when somebody last had it draw, in seconds.
        idle: nobody wants it now, and nothing of it waits or is drawn.
        pinned: it stays, whatever happens.
    """

    name: str
    size: int
    used_at: float
    idle: bool = True
    pinned: bool = False

    @property
    def may_leave(self) -> bool:
        """Nothing keeps it."""
        return self.idle and not self.pinned


def leaving(held: Sequence[Holding], needed: int, limit: int) -> tuple[str, ...] | None:
    """Those that leave so that `needed` more bytes are within the limit: the least recently used, as few as do.

    Returns:
        Their names, none of which could stay; None if there is no room even without all that may leave.
    """
    taken = sum(holding.size for holding in held) + needed
    gone = []
    for holding in sorted((each for each in held if each.may_leave), key=lambda each: each.used_at):
        if taken <= limit:
            break
        gone.append(holding)
        taken -= holding.size
    if taken > limit:
        return None
    for holding in reversed(gone.copy()):
        # A later one may have made so much room that an earlier one need not go.
        if taken + holding.size <= limit:
            gone.remove(holding)
            taken += holding.size
    return tuple(holding.name for holding in gone)


def outworn(held: Sequence[Holding], now: float, seconds: float) -> tuple[str, ...]:
    """Those that nobody has used for so many seconds; 0 is for ever."""
    if not seconds:
        return ()
    return tuple(each.name for each in held if each.may_leave and now - each.used_at >= seconds)
