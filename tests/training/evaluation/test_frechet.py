"""`limner.training.evaluation.frechet`: the distance of two sets of features, against cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from limner.training.evaluation.frechet import frechet_distance


def test_a_set_is_at_no_distance_from_itself() -> None:
    """Also where there are fewer pictures than features."""
    features = np.random.default_rng(0).normal(size=(5, 9)).astype(np.float32)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_a_shift_costs_its_square() -> None:
    """Same spread, means 3 and 4 apart along two axes: 25."""
    features = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    shifted = features + np.array([3, 4], dtype=np.float32)
    assert frechet_distance(features, shifted) == pytest.approx(25, rel=1e-4)


def test_along_one_axis_spreads_cost_the_square_of_their_difference() -> None:
    """Deviations of sqrt(2) and 3 sqrt(2) around one mean: 8; the numbers of pictures may differ."""
    narrow, wide = np.array([[-1], [1]], dtype=np.float32), np.array([[-3], [3]], dtype=np.float32)
    assert frechet_distance(narrow, wide) == pytest.approx(8)
    assert frechet_distance(narrow, np.array([[-3], [3], [0]], dtype=np.float32)) == pytest.approx(
        1.58**2, abs=0.05
    )


def test_it_is_that_of_the_formula_with_matrices() -> None:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), with the root from the eigenvalues of C1 C2."""
    random = np.random.default_rng(1)
    one = random.normal(size=(40, 4)) @ random.normal(size=(4, 4))
    other = random.normal(size=(60, 4)) + 1
    c1, c2 = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(c1 @ c2).real).sum()
    apart = ((one.mean(0) - other.mean(0)) ** 2).sum()
    expected = apart + np.trace(c1) + np.trace(c2) - 2 * root
    assert frechet_distance(one.astype(np.float32), other.astype(np.float32)) == pytest.approx(
        expected, rel=1e-4
    )
