"""`bench.load`: crowds that come again as they came, and what is said of how they fared."""

from __future__ import annotations

import math

import pytest

from bench.load import Outcome, arrivals, percentile, summary


def drawn(*seconds: float) -> list[Outcome]:
    """Pictures after so long."""
    return [Outcome(status=200, seconds=wait) for wait in seconds]


def test_a_crowd_comes_again_as_it_came() -> None:
    """The same seed gives the same moments, another seed others."""
    assert arrivals(5, 20, seed=1) == arrivals(5, 20, seed=1) != arrivals(5, 20, seed=2)


def test_a_crowd_comes_in_its_time() -> None:
    """As many as the rate says; moments rise, from the start to the end."""
    moments = arrivals(50, 3, seed=1)
    assert len(moments) == 150
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] < 3


def test_another_rate_only_stretches() -> None:
    """Twice as many come, at the same moments of a time that runs twice as fast."""
    slow, fast = arrivals(2, 20, seed=3), arrivals(4, 10, seed=3)
    assert fast == pytest.approx([moment / 2 for moment in slow])


def test_gaps_are_exponential() -> None:
    """Mean and deviation of a Poisson process' gaps are one over its rate."""
    moments = arrivals(10, 2000, seed=0)
    gaps = [later - earlier for earlier, later in zip([0.0, *moments], moments, strict=False)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert [mean, deviation] == pytest.approx([0.1, 0.1], rel=0.03)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    """The nearest rank, in whatever order they come."""
    assert percentile(list(range(100, 0, -1)), share) == value


def test_few_values_have_their_largest_as_p99() -> None:
    """Nothing is made up between two values, and nothing of none."""
    assert percentile([3.0, 1.0], 0.99) == 3.0
    assert math.isnan(percentile([], 0.5))


def test_goodput_counts_what_came_in_time() -> None:
    """Pictures after the deadline and refusals count for nothing, over the seconds in which requests came."""
    told = summary([*drawn(0.1, 0.5, 0.6), Outcome(status=429, seconds=0.0)], seconds=4, deadline=0.5)
    assert told["goodput"] == 0.5
    assert (told["asked"], told["drawn"], told["refused"]) == (4, 3, 1)


def test_a_refusal_is_not_a_short_wait() -> None:
    """Percentiles are of those who got a picture."""
    told = summary([*drawn(2.0), Outcome(status=429, seconds=0.01)], seconds=1, deadline=5)
    assert (told["p50"], told["p99"]) == (2.0, 2.0)


def test_where_nobody_got_a_picture_there_is_no_wait() -> None:
    """What cannot be said is null in JSON."""
    assert summary([Outcome(status=0, seconds=1.0)], seconds=1, deadline=5)["p50"] is None
