"""The training trace: pictures drawn from held-out captions by the present weights, put before the judge.

Axes in names: K pictures, B batch, C latent channels, h, w latent grid, H, W pixels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from limner.diffusion.noise import noise
from limner.diffusion.schedule import timesteps
from limner.network.autoencoder import PatchAutoencoder
from limner.network.denoiser import Denoiser
from limner.network.judge import Judge
from limner.training.cache import CaptionStates
from limner.training.device import mixed_precision
from limner.training.examination import Examination, Verdict, ask_judge

__all__ = ["EpochRecord", "SamplingConfig", "denoised", "draw", "judge_epoch", "observe", "through_a_file"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingConfig:
    """How pictures are drawn for the trace."""

    steps: int = 12
    guidance: float = 3.0
    time_shift: float = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochRecord:
    """One line of the training trace.

    Attributes:
        epoch: its number, from 1; 0 is the untrained model.
        loss, accuracy: the judge's, on the ten-way choice.
        observation: what can be seen by now, in words.
        denoising_loss: mean over the epoch.
        pictures, seconds: what it took.
    """

    epoch: int
    loss: float
    accuracy: float
    observation: str
    denoising_loss: float
    pictures: int
    seconds: float


@torch.no_grad()
def draw(
    model: Denoiser, states: CaptionStates, count: int, config: SamplingConfig, batch: int = 50
) -> Tensor:
    """Draw the first `count` captions, (K, C, h, w) clean latents; picture k starts from seed k's noise.

    Computed where the model is, and returned on the CPU.
    """
    device = model.deviation.device
    shape = (model.config.channels, model.config.grid, model.config.grid)
    times = timesteps(config.steps, config.time_shift)
    drawn = []
    for first in range(0, count, batch):
        rows = range(first, min(first + batch, count))
        condition = states.batch(rows, states.longest)
        x_BChw = torch.from_numpy(np.stack([noise(row, shape) for row in rows])).to(device)
        times_SB = torch.from_numpy(times).float().to(device)[:, None].expand(-1, len(rows))
        told = tuple(given.to(device) for given in condition)
        x_BChw = denoised(model, x_BChw, times_SB, (told[0], told[1], told[2]), config.guidance)
        drawn.append(x_BChw.cpu())
    return torch.cat(drawn)


@torch.no_grad()
def denoised(
    model: Denoiser,
    x_BChw: Tensor,
    times_SB: Tensor,
    condition: tuple[Tensor, Tensor, Tensor],
    guidance: float,
    known_BKhw: Tensor | None = None,
) -> Tensor:
    """Go from the first noise levels to the last in Euler's steps (Liu et al. 2023), guided, (B, C, h, w).

    Args:
        model: the denoiser.
        x_BChw: pictures at the first level.
        times_SB: each picture's noise levels, falling.
        condition: token states, mask and vectors of the prompts.
        guidance: Ho and Salimans 2022; 1 is none, and costs no second pass.
        known_BKhw: what the model is told of the pictures, see `Denoiser.known`.
    """
    for t_B, next_B in itertools.pairwise(times_SB):
        x0_BChw = _estimate(model, x_BChw, t_B, condition, guidance, known_BKhw)
        ratio_B111 = (next_B / t_B)[:, None, None, None]
        x_BChw = ratio_B111 * x_BChw + (1 - ratio_B111) * x0_BChw
    return x_BChw


def _estimate(
    model: Denoiser,
    x_BChw: Tensor,
    t_B: Tensor,
    condition: tuple[Tensor, Tensor, Tensor],
    guidance: float,
    known_BKhw: Tensor | None,
) -> Tensor:
    """The clean pictures, guided."""
    if guidance == 1:
        x0_BChw: Tensor = model(x_BChw, t_B, *condition, known_BKhw)[0]
        return x0_BChw
    twice = None if known_BKhw is None else torch.cat([known_BKhw, known_BKhw])
    both = _with_and_without(*condition)
    with_it, without = model(torch.cat([x_BChw, x_BChw]), t_B.repeat(2), *both, twice)[0].chunk(2)
    guided_BChw: Tensor = without + guidance * (with_it - without)
    return guided_BChw


def _with_and_without(states: Tensor, mask: Tensor, vector: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same prompts twice, the second time as no prompt at all."""
    return (
        torch.cat([states, states]),
        torch.cat([mask, torch.zeros_like(mask)]),
        torch.cat([vector, torch.zeros_like(vector)]),
    )


def through_a_file(pixels_KCHW: Tensor) -> Tensor:
    """Pixels as they come back from a picture file: clipped, and rounded to 256 levels."""
    return ((pixels_KCHW.clamp(-1, 1) * 127.5 + 127.5).round() - 127.5) / 127.5


def judge_epoch(
    model: Denoiser,
    autoencoder: PatchAutoencoder,
    judge: Judge,
    states: CaptionStates,
    examination: Examination,
    config: SamplingConfig,
) -> Verdict:
    """Draw the examination's true captions and ask the judge which of ten each was drawn from."""
    with mixed_precision(model.deviation.device):
        latents = draw(model, states, len(examination.texts), config)
    with torch.no_grad():
        return ask_judge(judge, through_a_file(autoencoder(latents)), examination)


_WORDS = {
    "place": "places",
    "condition": "light and weather",
    "thing": "things",
    "colour": "colours",
    "count": "counts",
    "relation": "relations",
    "size": "sizes",
    "swap": "which is which",
}


def observe(verdict: Verdict) -> str:
    """The verdict in words: what is told right nearly always, mostly, hardly better than by chance."""
    grades = {"right": [], "mostly right": [], "still guessed": []}  # type: dict[str, list[str]]
    for kind, share in sorted(verdict.by_kind.items(), key=lambda item: -item[1]):
        grade = "right" if share >= 0.97 else "mostly right" if share >= 0.8 else "still guessed"
        grades[grade].append(f"{_WORDS[kind]} {share:.2f}")
    return "; ".join(f"{grade}: {', '.join(kinds)}" for grade, kinds in grades.items() if kinds)
