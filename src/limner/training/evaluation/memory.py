"""How near pictures come to what the model was trained on: a copy would show as a distance near zero.

The nearest training scenes are looked up by the image tower's vectors, and the nearest of those is told in pixels.
Held-out scenes of the same captions, which nobody can have copied, say what distance is usual.

Axes in names: K pictures, N training scenes, J of them near by, V vector length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.types import Floats, Pixels

__all__ = ["Neighbour", "candidates", "nearest", "pixel_distance", "told"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """The training scene nearest to a picture, its distance in levels of 255, and the cosine of their vectors."""

    index: int
    distance: float
    cosine: float


def pixel_distance(one: Pixels, other: Pixels) -> float:
    """Root of the mean squared difference, in levels from 0 to 255."""
    return float(np.sqrt(((one.astype(np.float32) - other.astype(np.float32)) ** 2).mean()))


def candidates(
    vectors_KV: Floats, training_NV: NDArray[np.floating], count: int
) -> tuple[NDArray[np.intp], Floats]:
    """The `count` training scenes with the largest cosines, (K, J), and the cosines; the nearest first."""
    vectors_KV = np.asarray(vectors_KV, dtype=np.float32)
    cosines = np.concatenate(
        [
            vectors_KV @ training_NV[first : first + 4096].astype(np.float32).T
            for first in range(0, len(training_NV), 4096)
        ],
        axis=1,
    )
    best_KJ = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return best_KJ, np.take_along_axis(cosines, best_KJ, 1)


def nearest(
    pictures: Sequence[Pixels],
    near: tuple[NDArray[np.intp], Floats],
    scenes: Callable[[Sequence[int]], list[Pixels]],
) -> list[Neighbour]:
    """For each picture the nearest in pixels of its candidates.

    Args:
        pictures: K of them.
        near: what `candidates` said of them.
        scenes: composes training scenes by their numbers.
    """
    best_KJ, cosines_KJ = near
    flat: list[int] = best_KJ.flatten().tolist()
    composed = iter(scenes(flat))
    found = []
    for picture, indices, cosines in zip(pictures, best_KJ.tolist(), cosines_KJ.tolist(), strict=True):
        distances = [pixel_distance(picture, next(composed)) for _ in indices]
        at = int(np.argmin(distances))
        found.append(Neighbour(index=indices[at], distance=distances[at], cosine=cosines[at]))
    return found


def told(drawn: Sequence[Neighbour], real: Sequence[Neighbour]) -> dict[str, float]:
    """Distances of drawn pictures and of held-out scenes, and how many drawn ones are nearer than any of those."""
    near = np.array([one.distance for one in drawn])
    usual = np.array([one.distance for one in real])
    return {
        "drawn_median": float(np.median(near)),
        "drawn_least": float(near.min()),
        "held_out_median": float(np.median(usual)),
        "held_out_least": float(usual.min()),
        "nearer_than_any_held_out": float((near < usual.min()).mean()),
    }
