"""How fast a model's denoiser is: a picture alone, once through the network."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from limner.engines.base import Engine
from limner.models.manifest import Manifest

__all__ = ["denoiser_flops", "denoiser_seconds"]

_ROUNDS = 15


def denoiser_flops(manifest: Manifest) -> float:
    """Twice the multiplications of one unguided pass: matrices of the layers, on picture and prompt tokens."""
    shape = manifest.networks["denoiser"]
    width, picture, text = shape["width"], shape["grid"] ** 2, manifest.window
    per_picture_token = 12 * width**2 * shape["layers"] + 2 * width * shape["channels"]
    per_text_token = 2 * width**2 * shape["layers"] + 12 * width**2 * shape["text_layers"]
    attention = 2 * picture * (picture + text) * width * shape["layers"]
    return float(2 * (picture * per_picture_token + text * per_text_token + attention))


def denoiser_seconds(engine: Engine, text: str) -> float:
    """The median of unguided passes of one picture, once warm."""
    [features] = engine.encode([text])
    one, x_1Chw = np.ones(1, np.float32), np.zeros((1, *engine.capabilities.latent_shape), np.float32)
    seconds = [_timed(lambda: engine.denoise(x_1Chw, one, [features], one)) for _ in range(1 + _ROUNDS)]
    return statistics.median(seconds[1:])


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
