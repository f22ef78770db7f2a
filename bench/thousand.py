"""What a thousand replicas would do, from what few were measured to take. Numbers only: no clock, no network.

Requests come as a Poisson process to one of several proxies, which takes some time of its one core for each, and hands
it on to the less busy of two replicas; a replica draws one after the other. The controller has one core, too, and
spends some of it on each replica all the time.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Any

from bench.load import Outcome, arrivals, summary

__all__ = ["Costs", "limits", "simulated"]

_FULL = 0.9
"""Of a core: what is busier has a queue without end when chance has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What was measured.

    Attributes:
        picture: seconds that a replica takes for a picture.
        proxy: seconds of a core that a proxy takes for a picture.
        controller: cores that the controller takes for each replica.
    """

    picture: float
    proxy: float
    controller: float


def limits(costs: Costs) -> dict[str, float]:
    """At how many replicas, all of them busy, what there is only one of has no more to give."""
    return {
        "one proxy": _FULL * costs.picture / costs.proxy,
        "the controller": _FULL / costs.controller,
    }


def simulated(
    costs: Costs, replicas: int, proxies: int, *, rate: float, seconds: float, deadline: float
) -> dict[str, Any]:
    """How a crowd fares.

    Args:
        costs: what was measured.
        replicas: how many there are.
        proxies: how many there are.
        rate: requests a second, as a share of what all replicas together draw.
        seconds: how long they come.
        deadline: seconds after which a picture is of no use any more.
    """
    moments = arrivals(rate * replicas / costs.picture, seconds, seed=7)
    handed = _through(moments, proxies, costs.proxy)
    outcomes = [
        Outcome(status=200, seconds=done - moment) for moment, done in _drawn(handed, replicas, costs.picture)
    ]
    return {"replicas": replicas, "proxies": proxies} | summary(outcomes, seconds, deadline)


def _through(moments: list[float], proxies: int, seconds: float) -> list[tuple[float, float]]:
    """When each request is handed on, and when it came, in the order of the first."""
    chance, free = random.Random(1), [0.0] * proxies
    handed = []
    for moment in moments:
        proxy = chance.randrange(proxies)
        free[proxy] = max(free[proxy], moment) + seconds
        handed.append((free[proxy], moment))
    return sorted(handed)


def _drawn(handed: list[tuple[float, float]], replicas: int, seconds: float) -> list[tuple[float, float]]:
    """When each request came, and when its picture is done."""
    chance = random.Random(2)
    ends: list[deque[float]] = [deque() for _ in range(replicas)]
    drawn = []
    for now, moment in handed:
        two = [ends[chance.randrange(replicas)] for _ in range(2)]
        for queue in two:
            while queue and queue[0] <= now:
                queue.popleft()
        shorter = min(two, key=len)
        shorter.append(max(now, shorter[-1] if shorter else now) + seconds)
        drawn.append((moment, shorter[-1]))
    return drawn
