"""`bench.thousand`: a crowd at many replicas, worked out."""

from __future__ import annotations

import pytest

from bench.thousand import Costs, limits, simulated

COSTS = Costs(picture=0.2, proxy=0.01, controller=0.002)


def test_what_there_is_only_one_of_is_the_limit() -> None:
    """A proxy with 10 ms for each picture is full with 90 a second; a controller with 1/500 core each, at 450."""
    assert limits(COSTS) == pytest.approx({"one proxy": 18, "the controller": 450})


def test_with_little_to_do_a_picture_takes_its_own_time() -> None:
    """That of the proxy and that of the replica."""
    told = simulated(COSTS, 100, 100, rate=0.01, seconds=20, deadline=1)
    assert told["p50"] == pytest.approx(0.21)


def test_one_proxy_is_too_few_for_a_hundred_replicas() -> None:
    """It lets through what it can, and the rest is late; with ten, nothing is."""
    few, many = (simulated(COSTS, 100, n, rate=0.8, seconds=10, deadline=1) for n in (1, 10))
    assert few["goodput"] < 100
    assert many["goodput"] == pytest.approx(400)


def test_more_replicas_than_can_be_busy_make_nobody_wait() -> None:
    """The less busy of two: with more of them the crowd is spread better, never worse."""
    waits = [simulated(COSTS, n, n, rate=0.9, seconds=40, deadline=1)["p99"] for n in (1, 10, 100)]
    assert waits[0] > waits[2]
