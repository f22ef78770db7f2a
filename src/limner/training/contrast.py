"""The text-image stage: captions and pictures meet in one space of 1024 dimensions.

Axes in names: B batch, C latent channels, h, w latent grid, T tokens, V vector length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.network.image_tower import ImageTower
from limner.network.text_encoder import TextEncoder
from limner.text.tokenizer import TokenizedText, Tokenizer
from limner.training.device import mixed_precision

__all__ = ["ContrastConfig", "contrastive_loss", "train_contrast"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContrastConfig:
    """How the text-image stage is trained.

    Attributes:
        steps, batch: how long, and how many pairs at a time.
        text_rate, image_rate: peak learning rates; the text encoder starts from trained weights.
        trained_layers: how many of the text encoder's last layers learn; the others stay as they are.
        seed: order of the pairs.
    """

    steps: int = 300
    batch: int = 128
    text_rate: float = 1e-4
    image_rate: float = 1e-3
    trained_layers: int = 3
    seed: int = 0


def contrastive_loss(text_BV: Tensor, image_BV: Tensor, hard_BV: Tensor, scale: Tensor) -> Tensor:
    """Symmetric cross-entropy over the batch (CLIP, Radford et al. 2021, figure 3).

    In the direction picture -> caption each picture also sees one caption that is wrong in one word
    (hard negatives; Yuksekgonul et al. 2022).
    """
    logits_BB = scale * image_BV @ text_BV.T
    hard_B1 = scale * (image_BV * hard_BV).sum(-1, keepdim=True)
    target_B = torch.arange(len(text_BV), device=text_BV.device)
    to_text = nn.functional.cross_entropy(torch.cat([logits_BB, hard_B1], 1), target_B)
    return (to_text + nn.functional.cross_entropy(logits_BB.T, target_B)) / 2


def train_contrast(
    encoder: TextEncoder,
    tower: ImageTower,
    tokenizer: Tokenizer,
    latents: NDArray[np.float16],
    captions: Sequence[tuple[str, str]],
    config: ContrastConfig,
    report: Callable[[int, float], None],
) -> None:
    """Train `encoder`'s last layers and `tower` on (picture, caption, caption wrong in one word)."""
    texts = [(tokenizer.encode(right), tokenizer.encode(wrong)) for right, wrong in captions]
    scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
    frozen = max(0, len(encoder.layers) - config.trained_layers)
    trained = [*encoder.layers[frozen:].parameters(), encoder.to_vector.weight]
    encoder.requires_grad_(requires_grad=False)
    for parameter in trained:
        parameter.requires_grad_()
    optimizer = torch.optim.AdamW(
        [
            {"params": trained, "lr": config.text_rate, "peak": config.text_rate},
            {"params": [*tower.parameters(), scale], "lr": config.image_rate, "peak": config.image_rate},
        ],
        weight_decay=0.01,
    )
    random = np.random.default_rng(config.seed)
    for step in range(config.steps):
        rows = random.integers(len(texts), size=config.batch)
        x_BChw = torch.from_numpy(latents[rows].astype(np.float32))
        ids_BT, mask_BT = _padded([texts[row][0] for row in rows] + [texts[row][1] for row in rows])
        with mixed_precision(x_BChw.device):
            text_BV, hard_BV = encoder(ids_BT, mask_BT)[1].float().chunk(2)
            image_BV = tower(x_BChw).float()
        loss = contrastive_loss(text_BV, image_BV, hard_BV, scale.exp().clamp(max=100))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained + list(tower.parameters()), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * _cosine(step, config.steps)
        optimizer.step()
        report(step + 1, loss.item())


@torch.no_grad()
def _padded(texts: Sequence[TokenizedText]) -> tuple[Tensor, Tensor]:
    """Ids and mask (B, T), as wide as the longest text."""
    width = max(int(text.mask_T.sum()) for text in texts)
    ids = np.stack([text.ids_T[:width] for text in texts])
    mask = np.stack([text.mask_T[:width] for text in texts])
    return torch.from_numpy(ids), torch.from_numpy(mask)


def _cosine(step: int, steps: int) -> float:
    """A short warm-up, then half a cosine down to a tenth."""
    warm = min(1.0, (step + 1) / 20)
    return warm * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))
