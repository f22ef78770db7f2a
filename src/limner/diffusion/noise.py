"""Where a picture starts: its own noise, from its own seed, whatever else is being drawn."""

from __future__ import annotations

import numpy as np

from limner.types import Floats

__all__ = ["noise", "picture_seed"]

_GOLDEN_GAMMA = 0x9E3779B97F4A7C15
_BITS_64 = 2**64 - 1


def picture_seed(seed: int, index: int) -> int:
    """The seed of picture number `index` of a request.

    Picture 0 uses the request's seed itself, so that the seed reported with any picture draws that
    picture again, alone. The others use the outputs of the SplitMix64 generator that starts at the seed::

        s_i = mix(seed + i * gamma) >> 1        gamma = 2**64 / golden ratio, arithmetic modulo 2**64

    Args:
        seed: the request's seed, 0 to 2**63 - 1.
        index: the picture's number, from 0.

    Returns:
        A seed from 0 to 2**63 - 1.

    Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators" (SplitMix64),
    with the constants of Vigna's `splitmix64.c`.
    """
    if index == 0:
        return seed
    return _mix((seed + index * _GOLDEN_GAMMA) & _BITS_64) >> 1


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _BITS_64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _BITS_64
    return z ^ (z >> 31)


def noise(seed: int, shape: tuple[int, ...]) -> Floats:
    """Standard normal float32 numbers of this shape: the same for the same seed, on every engine.

    Each picture has a counter-based generator of its own, keyed by its seed, so no picture's numbers
    depend on how many others are drawn beside it.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x64-10).
    """
    return np.random.Generator(np.random.Philox(key=seed)).standard_normal(shape, dtype=np.float32)
