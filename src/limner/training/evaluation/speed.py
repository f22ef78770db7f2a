"""How fast a model's denoiser is: what a pass through the network computes, and how long it takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from limner.models.manifest import Manifest

__all__ = ["denoiser_flops", "median_seconds"]


def denoiser_flops(manifest: Manifest) -> float:
    """Twice the multiplications of one unguided pass: matrices of the layers, on picture and prompt tokens."""
    shape = manifest.networks["denoiser"]
    width, picture, text = shape["width"], shape["grid"] ** 2, manifest.window
    per_picture_token = 12 * width**2 * shape["layers"] + 2 * width * shape["channels"]
    per_text_token = 2 * width**2 * shape["layers"] + 12 * width**2 * shape["text_layers"]
    attention = 2 * picture * (picture + text) * width * shape["layers"]
    return float(2 * (picture * per_picture_token + text * per_text_token + attention))


def median_seconds(work: Callable[[], object], rounds: int) -> float:
    """The median time of some work, done once before for nothing."""
    return statistics.median([_timed(work) for _ in range(1 + rounds)][1:])


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
