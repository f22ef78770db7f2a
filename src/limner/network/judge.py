"""The judge of the training trace: how well does a picture fit a caption?

It reads pixels and words with its own eyes: nothing of the generator's networks is in it. The frozen word
embeddings of all-MiniLM-L6-v2 are its dictionary.

Axes in names: B pictures, K captions of each, T caption tokens, N picture tokens, W width,
P values of a patch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from limner.network.autoencoder import to_patches
from limner.network.layers import Block, FeedForward, attend, padding_bias

__all__ = ["Judge", "JudgeConfig"]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeConfig:
    """Shapes of the judge."""

    vocabulary: int = 30522
    word_width: int = 384
    tokens: int = 48
    patch: int = 16
    grid: int = 8
    width: int = 192
    heads: int = 3
    picture_layers: int = 3
    caption_layers: int = 1
    meeting_layers: int = 2


class _Meeting(nn.Module):
    """Caption tokens look at the picture, then at each other.

    The picture's tokens say again where they are, for "left of". A token of nothing stands beside them: attention
    is shares of one, and only what is left for nothing tells how many tokens were found.
    """

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm, self.norm_after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.picture_kv, self.out = (
            nn.Linear(width, width),
            nn.Linear(width, 2 * width),
            nn.Linear(width, width),
        )
        self.places = nn.Parameter(torch.randn(config.grid**2, width) * 0.5)
        self.nothing = nn.Parameter(torch.zeros(1, 1, width))
        self.feed_forward = FeedForward(width, 2 * width)
        self.block = Block(width, config.heads)

    def forward(self, words_BKTW: Tensor, picture_BNW: Tensor, hidden: Tensor) -> Tensor:
        batch, captions, tokens, width = words_BKTW.shape
        flat = words_BKTW.reshape(batch, captions * tokens, width)
        shown = torch.cat([picture_BNW + self.places, self.nothing.expand(batch, -1, -1)], 1)
        k, v = self.picture_kv(shown).chunk(2, dim=-1)
        seen, _ = attend(self.query(self.norm(flat)), k, v, self.heads, None)
        flat = flat + self.out(seen)
        flat = flat + self.feed_forward(self.norm_after(flat))
        mixed = self.block(flat.view(batch * captions, tokens, width), hidden)
        return cast("Tensor", mixed.view(batch, captions, tokens, width))


class Judge(nn.Module):
    """Pictures and captions -> a score for each pair: the higher, the better they fit."""

    words: Tensor

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.register_buffer("words", torch.zeros(config.vocabulary, config.word_width))
        self.word_embed = nn.Linear(config.word_width, width)
        self.word_places = nn.Parameter(torch.randn(config.tokens, width) * 0.02)
        self.patch_embed = nn.Linear(3 * config.patch**2, width)
        self.patch_places = nn.Parameter(torch.randn(config.grid**2, width) * 0.02)
        self.picture_blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.picture_layers))
        self.caption_blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.caption_layers))
        self.picture_norm = nn.LayerNorm(width)
        self.meetings = nn.ModuleList(_Meeting(config) for _ in range(config.meeting_layers))
        self.sharpness = nn.Parameter(torch.tensor(10.0))
        self.score_norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, 1)

    def look(self, pixels_BCHW: Tensor) -> Tensor:
        """Pictures (B, 3, 256, 256) from -1 to 1, halved in size first -> picture tokens (B, N, W)."""
        small = nn.functional.avg_pool2d(pixels_BCHW, 2)
        return self.look_at_patches(to_patches(small, self.config.patch))

    def look_at_patches(self, patches_BNP: Tensor) -> Tensor:
        """The same, from the patches of the halved picture."""
        x_BNW = self.patch_embed(patches_BNP) + self.patch_places
        for block in self.picture_blocks:
            x_BNW = block(x_BNW)
        return cast("Tensor", self.picture_norm(x_BNW))

    def forward(self, picture_BNW: Tensor, ids_BKT: Tensor, mask_BKT: Tensor) -> Tensor:
        """Score (B, K) of each caption for its picture."""
        return self.weigh(picture_BNW, *self.read(ids_BKT, mask_BKT), mask_BKT)

    def weigh(self, picture_BNW: Tensor, words_BKTW: Tensor, hidden: Tensor, mask_BKT: Tensor) -> Tensor:
        """Score (B, K) of captions that have been read."""
        best_BKT = (_unit(words_BKTW) @ _unit(picture_BNW)[:, None].transpose(-1, -2)).amax(-1)
        found_BK = _mean(best_BKT[..., None], mask_BKT).squeeze(-1) * self.sharpness
        for meeting in self.meetings:
            words_BKTW = meeting(words_BKTW, picture_BNW, hidden)
        mean_BKW = _mean(self.score_norm(words_BKTW), mask_BKT)
        return found_BK + cast("Tensor", self.score(mean_BKW)).squeeze(-1)

    def read(self, ids_BKT: Tensor, mask_BKT: Tensor) -> tuple[Tensor, Tensor]:
        """Captions' words in their context (B, K, T, W), and the bias (B * K, 1, 1, T) that hides padding."""
        batch, captions, tokens = ids_BKT.shape
        words = self.word_embed(self.words[ids_BKT]) + self.word_places[:tokens]
        hidden = padding_bias(mask_BKT.reshape(batch * captions, tokens))
        flat = words.view(batch * captions, tokens, -1)
        for block in self.caption_blocks:
            flat = block(flat, hidden)
        return flat.view(batch, captions, tokens, -1), hidden

    def match(self, picture_BNW: Tensor, words_BTW: Tensor, mask_BT: Tensor) -> Tensor:
        """Scores (B, B) of every picture (rows) for every caption that has been read, by its words alone.

        How well each word is found somewhere in the picture, on average (FILIP, Yao et al. 2022, eq. 3).
        """
        pictures, captions, tokens = len(picture_BNW), *words_BTW.shape[:2]
        likeness = _unit(words_BTW).flatten(0, 1) @ _unit(picture_BNW).flatten(0, 1).T
        best_TB = likeness.view(captions * tokens, pictures, -1).amax(-1)
        best_BBT = best_TB.T.view(pictures, captions, tokens)
        return _mean(best_BBT[..., None], mask_BT[None]).squeeze(-1) * self.sharpness


def _unit(tokens: Tensor) -> Tensor:
    return nn.functional.normalize(tokens, dim=-1)


def _mean(words_BKTW: Tensor, mask_BKT: Tensor) -> Tensor:
    """(B, K, W): over the words that are there."""
    seen = mask_BKT[..., None].float()
    return (words_BKTW * seen).sum(2) / seen.sum(2).clamp(min=1)
