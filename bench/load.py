"""What a crowd is, and how it fared: arrivals, percentiles, goodput. Numbers only, no clock and no network."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Outcome", "arrivals", "percentile", "summary"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one request.

    Attributes:
        status: of the answer; 0 where none came.
        seconds: from the moment at which it was due to be sent to the last byte of its answer, so that a client that
            is late does not hide a server that is.
    """

    status: int
    seconds: float

    @property
    def drawn(self) -> bool:
        """There is a picture."""
        return self.status == 200


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """When requests come, in seconds from the start: a Poisson process, as many people who know nothing of each other.

    Given how many come, their moments are independent and uniform. That number is the average one: in a short time
    chance would ask for a third more or less, and the rate would not be the one that is told.

    Args:
        rate: requests a second.
        seconds: how long they come.
        seed: the same seed, the same moments.
    """
    chance = random.Random(seed)
    return sorted(chance.uniform(0, seconds) for _ in range(round(rate * seconds)))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so large a share does not exceed (nearest rank); NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def summary(outcomes: Sequence[Outcome], seconds: float, deadline: float) -> dict[str, Any]:
    """How a crowd fared.

    Args:
        outcomes: what became of each.
        seconds: how long they came.
        deadline: seconds after which a picture is of no use any more.

    Returns:
        How many asked, were drawn for and were not; percentiles of the seconds of those who were; and `goodput`,
        pictures within the deadline for each second in which requests came.
    """
    waits = [outcome.seconds for outcome in outcomes if outcome.drawn]
    shares = {f"p{round(100 * share)}": percentile(waits, share) for share in (0.5, 0.95, 0.99)}
    return {
        "asked": len(outcomes),
        "drawn": len(waits),
        "refused": len(outcomes) - len(waits),
        # JSON knows no NaN.
        **{name: None if math.isnan(wait) else round(wait, 4) for name, wait in shares.items()},
        "goodput": round(sum(wait <= deadline for wait in waits) / seconds, 3),
    }
