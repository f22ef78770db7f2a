"""`bench.results`: a figure stands beside its goal."""

from __future__ import annotations

import pytest

from bench.results import Measure, print_measures


@pytest.mark.parametrize(
    ("value", "at_least", "reached"),
    [(1.0, False, True), (1.1, False, False), (1.0, True, True), (0.9, True, False)],
)
def test_a_goal_is_a_bound_from_one_side(value: float, at_least: bool, reached: bool) -> None:  # noqa: FBT001
    """At most, unless more is better; the goal itself is enough."""
    assert Measure(what="ratio", value=value, goal=1.0, at_least=at_least).reached is reached


def test_the_table_says_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each: what, figure, unit, goal, verdict."""
    print_measures(
        [
            Measure(what="wait", value=12.345, unit="ms", goal=10),
            Measure(what="growth", value=1, unit="%", goal=5),
        ]
    )
    wait, growth = capsys.readouterr().out.splitlines()
    assert wait.split() == ["wait", "12.35", "ms", "at", "most", "10,", "MISSED"]
    assert growth.endswith("at most 5, reached")
