"""Diffusion of points in the plane: the project's own times, noise, sampler and guidance, and an exact denoiser.

A real model must learn what clean pictures look like. Here the clean points are known: each word stands for a
normal distribution in the plane, and "any" for all of them together. So the best possible denoiser can be written
down, and everything that is to be seen is the doing of diffusion itself.

Axes in names: N points, K words, C the two coordinates, S moments; h and w are 1, a point is a picture of one pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.diffusion.guidance import guide
from limner.diffusion.noise import noise
from limner.diffusion.sampler import new_sampler
from limner.diffusion.schedule import timesteps
from limner.types import Floats

__all__ = ["ANY", "SPREAD", "WORDS", "Play", "centres", "denoise", "play"]

WORDS = ("apple", "boat", "cat")
ANY = "any word"
SPREAD = 0.4
"""Standard deviation of each word's points, along each axis: the words overlap a little."""

_CENTRES = ((0.0, 0.9), (-0.8, -0.5), (0.8, -0.5))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Play:
    """Points on their way.

    Attributes:
        times_S: the moments, from 1 (noise) to 0 (clean).
        points_SNC: where the points stood at each.
        word: what was asked for, or `ANY`.
    """

    times_S: NDArray[np.float64]
    points_SNC: Floats
    word: str


def centres() -> Floats:
    """(K, 2): the middle of each word's points."""
    return np.array(_CENTRES, np.float32)


def play(
    *, word: str = ANY, steps: int = 20, guidance: float = 1.0, seed: int = 0, points: int = 120
) -> Play:
    """Let noise become points of a word.

    Args:
        word: one of `WORDS`, or `ANY`.
        steps: denoising steps.
        guidance: 1 samples the word's points as they are; more leads away from those of all words.
        seed: of the noise.
        points: how many.

    Raises:
        InvalidRequestError: no steps.
    """
    times = timesteps(steps)
    sampler = new_sampler("euler")
    x_NC11 = noise(seed, (points, 2, 1, 1))
    guidance_N = np.full(points, guidance, np.float32)
    moments = [x_NC11]
    for t, t_next in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        x0_NC11 = guide(denoise(x_NC11, t, word), denoise(x_NC11, t, ANY), guidance_N)
        x_NC11 = sampler.step(x_NC11, x0_NC11, t, t_next)
        moments.append(x_NC11)
    return Play(times_S=times, points_SNC=np.stack(moments)[..., 0, 0], word=word)


def denoise(x_NC11: Floats, t: float, word: str) -> Floats:
    """E[x0 | x], the mean of all clean points that x may have been, for x = (1 - t) x0 + t noise.

    ::

        sum_k p(k | x) (mu_k + gain (x - a mu_k))      a = 1 - t,  v = a^2 s^2 + t^2,  gain = a s^2 / v
        p(k | x) proportional to exp(-|x - a mu_k|^2 / 2 v)

    Source: Bishop 2006, "Pattern recognition and machine learning", equations 2.116 and 9.13.
    """
    a, variance = 1.0 - t, SPREAD**2
    v = a**2 * variance + t**2
    centres_KC = centres() if word == ANY else centres()[WORDS.index(word)][None]
    away_NKC = x_NC11[:, None, :, 0, 0] - np.float32(a) * centres_KC
    fit_NK = -(away_NKC**2).sum(axis=2) / np.float32(2 * v)
    share_NK = np.exp(fit_NK - fit_NK.max(axis=1, keepdims=True))
    share_NK /= share_NK.sum(axis=1, keepdims=True)
    clean_NKC = centres_KC + np.float32(a * variance / v) * away_NKC
    x0_NC: Floats = (share_NK[..., None] * clean_NKC).sum(axis=1).astype(np.float32)
    return x0_NC[..., None, None]
