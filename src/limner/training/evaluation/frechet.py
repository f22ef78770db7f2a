"""The Fréchet distance between two sets of features, each taken for a normal distribution (Heusel et al. 2017).

Axes in names: N pictures, F features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limner.types import Floats

__all__ = ["frechet_distance"]


def frechet_distance(first_NF: Floats, second_NF: Floats) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), equation 6 of the paper; few pictures make it too large.

    The trace of the root is the sum of the singular values of A1 A2^T / n, where A are the centred features over
    the roots of their numbers: the same number without a root of a matrix that is nearly singular.
    """
    first, second = first_NF.astype(np.float64), second_NF.astype(np.float64)
    apart = float(((first.mean(0) - second.mean(0)) ** 2).sum())
    one, other = _centred(first), _centred(second)
    shared = float(np.linalg.svd(one @ other.T, compute_uv=False).sum())
    return max(0.0, apart + float((one**2).sum() + (other**2).sum()) - 2 * shared)


def _centred(features_NF: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = (features_NF - features_NF.mean(0)) / np.sqrt(len(features_NF) - 1)
    return centred
