"""`bench.checkpoints`: what is reckoned from what is measured."""

from __future__ import annotations

import pytest

from bench.checkpoints import line_through, mixed
from bench.load import Outcome


def test_a_picture_of_20_steps_is_on_the_line_through_two_others() -> None:
    """Two steps take 3 s more than one, and so on."""
    told = line_through({4: 14.0, 1: 5.0})
    assert told == pytest.approx({"step": 3.0, "outside_the_steps": 2.0, "of_20_steps": 62.0})


def test_four_clients_draw_so_many_pictures_between_them() -> None:
    """Each number once, with its own number of steps, however they share them."""
    drawn: list[tuple[int, int]] = []

    def draw(steps: int, number: int) -> Outcome:
        drawn.append((number, steps))
        return Outcome(status=200, seconds=float(steps))

    waits, seconds = mixed(draw, 6)
    assert sorted(drawn) == [(0, 5), (1, 15), (2, 8), (3, 12), (4, 10), (5, 6)]
    assert sorted(waits) == [5, 6, 8, 10, 12, 15]
    assert seconds > 0
