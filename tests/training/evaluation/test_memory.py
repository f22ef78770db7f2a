"""`limner.training.evaluation.memory`: a copy would be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from limner.training.evaluation.memory import Neighbour, candidates, nearest, pixel_distance, told
from limner.types import Pixels


def flat(level: int) -> Pixels:
    """A picture of one gray."""
    return np.full((4, 4, 3), level, dtype=np.uint8)


def scenes(indices: Sequence[int]) -> list[Pixels]:
    """Scene k is of gray k."""
    return [flat(index) for index in indices]


def test_distance_is_in_levels() -> None:
    """Two grays ten levels apart are at distance 10, whichever is lighter."""
    assert pixel_distance(flat(20), flat(10)) == pixel_distance(flat(10), flat(20)) == 10


def test_candidates_are_the_largest_cosines_nearest_first() -> None:
    """Of three scenes the two that look most like it."""
    training = np.array([[0, 1], [1, 0], [0.6, 0.8]], dtype=np.float16)
    best, cosines = candidates(np.array([[1, 0], [0, 1]], dtype=np.float32), training, 2)
    assert best.tolist() == [[1, 2], [0, 2]]
    np.testing.assert_allclose(cosines, [[1, 0.6], [1, 0.8]], atol=1e-3)


def test_the_nearest_in_pixels_of_the_candidates_is_told() -> None:
    """A scene that is alike in meaning and far in pixels is not the nearest; a copy is at distance 0."""
    near = np.array([[9, 5], [7, 8]]), np.array([[0.9, 0.8], [0.7, 0.6]], dtype=np.float32)
    found = nearest([flat(4), flat(7)], near, scenes)
    assert [(one.index, one.distance) for one in found] == [(5, 1), (7, 0)]
    assert found[0].cosine == pytest.approx(0.8)


def test_copies_are_told_by_what_is_usual_among_held_out_scenes() -> None:
    """One drawn picture of four is nearer to its neighbour than any held-out scene to its own."""

    def at(*distances: float) -> list[Neighbour]:
        return [Neighbour(index=0, distance=distance, cosine=1) for distance in distances]

    assert told(at(1, 30, 40, 50), at(20, 30, 60)) == {
        "drawn_median": 35,
        "drawn_least": 1,
        "held_out_median": 30,
        "held_out_least": 20,
        "nearer_than_any_held_out": 0.25,
    }
