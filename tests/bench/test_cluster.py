"""`bench.cluster`: what becomes of its numbers."""

from __future__ import annotations

from bench.cluster import scaling


def test_goodput_is_told_as_a_share_of_linear() -> None:
    """Of so many times that of one replica, beside what it must reach."""
    two, eight = scaling(
        [
            {"replicas": 1, "per_second": 5.0},
            {"replicas": 2, "per_second": 9.6},
            {"replicas": 8, "per_second": 32.0},
        ]
    )
    assert (two.value, two.goal, two.reached) == (0.96, 0.95, True)
    assert (eight.value, eight.goal, eight.reached) == (0.8, 0.9, False)
