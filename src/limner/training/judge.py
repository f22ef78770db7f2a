"""Training the judge: to tell real scenes' captions from nearly right ones.

Axes in names: K scenes, B batch, C latent channels, N picture tokens, W width, P values of a patch, T caption tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.network.autoencoder import PatchAutoencoder
from limner.network.judge import Judge
from limner.training.examination import Examination
from limner.training.lesson import Lesson, cell_weights
from limner.training.optimizer import Muon

__all__ = ["JudgeTraining", "patch_view", "train_judge"]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeTraining:
    """How the judge is trained.

    Attributes:
        words_first: steps in which it only learns which words go with what in a picture. They cost a third.
        steps, batch: how long it then learns to choose, too, and how many scenes at a time.
        captions: how many of a scene's ten captions are told apart at a time: the true one, and others, of all
            kinds equally often. More scenes teach more than more captions of each.
        muon_rate, adam_rate: peak learning rates.
        match: weight of finding the batch's own pictures and captions for each other.
        lesson: weight of naming what stands in each cell of the picture (see `Lesson`).
        thing_weight: how much more a cell counts there in which a thing stands.
        noise: pictures get noise of up to this deviation, so that the judge bears the marks of a generator.
        seed: of the order of the scenes and of the noise.
    """

    words_first: int = 700
    steps: int = 350
    batch: int = 64
    captions: int = 4
    muon_rate: float = 0.02
    adam_rate: float = 1e-3
    match: float = 0.5
    lesson: float = 0.3
    thing_weight: float = 4.0
    noise: float = 0.1
    seed: int = 0


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
    examination: Examination,
    latents_KChw: NDArray[np.float16],
    things_K2hw: NDArray[np.uint8],
    view: tuple[Tensor, Tensor],
    config: JudgeTraining,
    report: Callable[[int, float, float], None],
) -> None:
    """Teach the judge on real scenes; `report` gets step, loss and accuracy of the choice."""
    lesson = Lesson(judge.config.width, int(things_K2hw[:, 0].max()))
    optimizers = _optimizers(judge, lesson, config)
    rarity_K9 = examination.rarity()
    for step in range(config.words_first + config.steps):
        random = np.random.Generator(np.random.Philox(key=[config.seed, step]))
        rows_B = random.choice(len(rarity_K9), size=config.batch, p=rarity_K9.sum(1))
        picture_BNW = judge.look_at_patches(_patches(latents_KChw, rows_B, view, random, config.noise))
        chooses = step >= config.words_first
        columns_BK = _columns(rarity_K9[rows_B], config.captions if chooses else 1, random)
        ids_BKT, mask_BKT = examination.captions(rows_B, columns_BK)
        words_BKTW, hidden = judge.read(ids_BKT, mask_BKT)
        scores_BK = torch.zeros(config.batch, 1)
        if chooses:
            scores_BK = judge.weigh(picture_BNW, words_BKTW, hidden, mask_BKT)
        loss = nn.functional.cross_entropy(scores_BK, torch.zeros(config.batch, dtype=torch.int64))
        match = _match_loss(judge.match(picture_BNW, words_BKTW[:, 0], mask_BKT[:, 0]))
        things_B2hw = torch.from_numpy(things_K2hw[rows_B]).long()
        naming = lesson(picture_BNW, things_B2hw, cell_weights(things_B2hw, config.thing_weight)).mean()
        judge.zero_grad()
        lesson.zero_grad()
        (loss + config.match * match + config.lesson * naming).backward()
        nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        _take_step(optimizers, config, step)
        report(step + 1, loss.item(), (scores_BK.argmax(1) == 0).float().mean().item())


def _columns(rarity_B9: NDArray[np.float64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The true caption's column and `count` - 1 others', drawn by weight (Kool et al. 2019, section 2.3)."""
    keys_B9 = np.log(rarity_B9) + random.gumbel(size=rarity_B9.shape)
    others = 1 + np.argsort(-keys_B9, axis=1)[:, : count - 1]
    return np.concatenate([np.zeros((len(others), 1), dtype=np.int64), others], axis=1)


def _optimizers(judge: Judge, lesson: Lesson, config: JudgeTraining) -> list[torch.optim.Optimizer]:
    hidden = [p for name, p in judge.named_parameters() if p.ndim == 2 and _is_hidden(name)]
    rest = [p for name, p in judge.named_parameters() if not (p.ndim == 2 and _is_hidden(name))]
    adam = torch.optim.AdamW([*rest, *lesson.parameters()], lr=config.adam_rate, weight_decay=0.0)
    return [Muon(hidden, lr=config.muon_rate), adam]


def _take_step(optimizers: list[torch.optim.Optimizer], config: JudgeTraining, step: int) -> None:
    """Up over 30 steps, level, and down to zero over the last six tenths of the choosing."""
    share = min(1.0, (step + 1) / 30, (config.words_first + config.steps - step) / (0.6 * config.steps))
    for optimizer, peak in zip(optimizers, (config.muon_rate, config.adam_rate), strict=True):
        optimizer.param_groups[0]["lr"] = peak * share
        optimizer.step()


def _match_loss(scores_BB: Tensor) -> Tensor:
    """The caption of each picture and the picture of each caption, among the batch's (Radford et al. 2021)."""
    own_B = torch.arange(len(scores_BB))
    both = nn.functional.cross_entropy(scores_BB, own_B) + nn.functional.cross_entropy(scores_BB.T, own_B)
    return both / 2


def _is_hidden(name: str) -> bool:
    return name.startswith(("picture_blocks.", "caption_blocks.", "meetings.")) and name.endswith("weight")


def _patches(
    latents_KChw: NDArray[np.float16],
    rows_B: NDArray[np.int64],
    view: tuple[Tensor, Tensor],
    random: np.random.Generator,
    noise: float,
) -> Tensor:
    x_BNC = torch.from_numpy(latents_KChw[rows_B].astype(np.float32)).flatten(2).transpose(1, 2)
    patches_BNP = x_BNC @ view[0] + view[1]
    strength = torch.from_numpy(random.random((len(rows_B), 1, 1), dtype=np.float32)) * noise
    grain = torch.from_numpy(random.standard_normal(patches_BNP.shape, dtype=np.float32))
    return patches_BNP + strength * grain
