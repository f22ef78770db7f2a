"""Training the judge: to name what real scenes show.

Axes in names: K scenes, B batch, C latent channels, h, w latent grid, N picture tokens, P values of a patch, F facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.network.autoencoder import PatchAutoencoder
from limner.network.judge import Judge, Sight
from limner.training.device import mixed_precision
from limner.training.lesson import cell_weights, naming_loss
from limner.training.optimizer import Muon
from limner.training.scenes.facts import Facts

__all__ = ["JudgeLessons", "JudgeTraining", "patch_view", "train_judge"]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeTraining:
    """How the judge is trained.

    Attributes:
        steps, batch: how long, and how many scenes at a time.
        muon_rate, adam_rate: peak learning rates.
        thing_weight: how much more a cell counts in which a thing stands.
        noise: pictures get noise of up to this deviation, so that the judge bears the marks of a generator.
        seed: of the order of the scenes and of the noise.
    """

    steps: int = 1_500
    batch: int = 64
    muon_rate: float = 0.02
    adam_rate: float = 2e-3
    thing_weight: float = 4.0
    noise: float = 0.1
    seed: int = 0

    def rate(self, step: int) -> float:
        """Share of the peak learning rate at a step: up over 30 steps, level, down over the last half."""
        return min(1.0, (step + 1) / 30, (self.steps - step) / (0.5 * self.steps))


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeLessons:
    """Real scenes of one kind: latents, what stands in their cells, and their facts (see `Facts`)."""

    latents_KChw: NDArray[np.float16]
    things_K3hw: NDArray[np.uint16]
    facts_KF: NDArray[np.int64]

    def some(self, count: int, random: np.random.Generator) -> JudgeLessons:
        """So many of them, at random."""
        rows_B = random.integers(len(self.latents_KChw), size=count)
        return JudgeLessons(
            latents_KChw=self.latents_KChw[rows_B],
            things_K3hw=self.things_K3hw[rows_B],
            facts_KF=self.facts_KF[rows_B],
        )


def patch_view(autoencoder: PatchAutoencoder, patch: int) -> tuple[Tensor, Tensor]:
    """Matrix (C, P) and offset (P,) that turn a latent token into its patch of the halved picture.

    Decoding and halving are both linear, so the judge's lessons need no pixels in between.
    """
    side = autoencoder.config.patch
    rows = torch.cat([autoencoder.basis * autoencoder.scale[:, None], autoencoder.mean[None]])
    small = nn.functional.avg_pool2d(rows.view(-1, 3, side, side), side // patch).flatten(1)
    return small[:-1], small[-1]


def train_judge(
    judge: Judge,
    lessons: Sequence[JudgeLessons],
    view: tuple[Tensor, Tensor],
    config: JudgeTraining,
    report: Callable[[int, float, float], None],
) -> None:
    """Teach the judge on real scenes; `report` gets step, loss and the share of things' cells named right.

    Of several kinds of scenes each batch has as many of each.
    """
    optimizers = _optimizers(judge, config)
    for step in range(config.steps):
        random = np.random.Generator(np.random.Philox(key=[config.seed, step]))
        batch = _joined([kind.some(config.batch // len(lessons), random) for kind in lessons])
        things_B3hw = torch.from_numpy(batch.things_K3hw.astype(np.int64))
        facts = Facts(*torch.from_numpy(batch.facts_KF).unbind(-1))
        patches_BNP = _patches(batch.latents_KChw, view, random, config.noise)
        with mixed_precision(patches_BNP.device):
            sight = judge.look_at_patches(patches_BNP)
            loss = naming_loss(sight[:3], things_B3hw, cell_weights(things_B3hw, config.thing_weight)).mean()
            loss = loss + nn.functional.cross_entropy(sight.places_BK, facts.place)
            loss = loss + nn.functional.cross_entropy(sight.conditions_BK, facts.condition)
        judge.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        for optimizer, peak in zip(optimizers, (config.muon_rate, config.adam_rate), strict=True):
            optimizer.param_groups[0]["lr"] = peak * config.rate(step)
            with mixed_precision(patches_BNP.device):
                optimizer.step()
        report(step + 1, loss.item(), _named_right(sight, things_B3hw))


def _joined(kinds: Sequence[JudgeLessons]) -> JudgeLessons:
    return JudgeLessons(
        latents_KChw=np.concatenate([kind.latents_KChw for kind in kinds]),
        things_K3hw=np.concatenate([kind.things_K3hw for kind in kinds]),
        facts_KF=np.concatenate([kind.facts_KF for kind in kinds]),
    )


def _named_right(sight: Sight, things_B3hw: Tensor) -> float:
    things_BN = things_B3hw[:, 0].flatten(1)
    right_BN = sight.things_BNK.argmax(-1) == things_BN
    return right_BN[things_BN > 0].float().mean().item()


def _optimizers(judge: Judge, config: JudgeTraining) -> list[torch.optim.Optimizer]:
    hidden = [p for name, p in judge.named_parameters() if p.ndim == 2 and name.startswith("blocks.")]
    rest = [p for name, p in judge.named_parameters() if not (p.ndim == 2 and name.startswith("blocks."))]
    return [
        Muon(hidden, lr=config.muon_rate),
        torch.optim.AdamW(rest, lr=config.adam_rate, weight_decay=0.0),
    ]


def _patches(
    latents_BChw: NDArray[np.float16], view: tuple[Tensor, Tensor], random: np.random.Generator, noise: float
) -> Tensor:
    """Patches (B, N, P) of the halved pictures, with noise of a strength of its own for each picture."""
    x_BNC = torch.from_numpy(latents_BChw.astype(np.float32)).flatten(2).transpose(1, 2)
    patches_BNP = x_BNC @ view[0] + view[1]
    strength = torch.from_numpy(random.random((len(x_BNC), 1, 1), dtype=np.float32)) * noise
    grain = torch.from_numpy(random.standard_normal(patches_BNP.shape, dtype=np.float32))
    return patches_BNP + strength * grain
