"""Stage 3's network: a noisy picture, a time and a prompt -> an estimate of the clean picture.

A diffusion transformer (Peebles and Xie 2022) on the latent grid. The picture's tokens attend to each other
and, in the same softmax, to the prompt's tokens; time and the prompt's vector modulate every layer by one
shared projection (PixArt-alpha, Chen et al. 2023). Halfway it may recall what things look like (`Memory`). Where the
prompt is to be drawn into a picture, what is known of it is told beside the noisy picture (Rombach et al. 2022,
section 4.5).

Grids of all shapes up to `reach` have places in common: their lower edges and their middles lie on each other, so
that a wide picture is a square one with more at both sides, and a high one has more above it.

Axes in names: B batch, C latent channels, h, w latent grid, N = h * w picture tokens, T prompt tokens,
D prompt token width, W width, V vector length, H heads, M = N + T keys, R reach, K = 1 + C a mask and what it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from limner.network.layers import Block, FeedForward, HeadNorm, attend, padding_bias
from limner.network.memory import Memory
from limner.types import EMBEDDING_LENGTH

__all__ = ["Denoiser", "DenoiserConfig"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DenoiserConfig:
    """Shapes of the denoiser.

    Attributes:
        channels, grid: of the latents; pictures are `grid` x `grid` tokens unless another shape is asked for.
        reach: the most tokens that a picture may be wide or high, `grid` or an even number more.
        width, layers, heads: of the network.
        text_width, text_layers, vector: the prompt's token states, the layers over them, its vector.
        inpaints: whether it can be told what is known of the picture.
        skips: whether it adds to the best linear estimate, or makes the clean picture itself.
        things, parts: of how many it remembers how they look (see `Memory`); 0 for a network without a memory.
        painted, paints: of how many of the things it remembers how so many paints change them; 0 if of none.
    """

    channels: int = 192
    grid: int = 8
    reach: int = 8
    width: int = 256
    layers: int = 8
    heads: int = 4
    text_width: int = 384
    text_layers: int = 1
    vector: int = EMBEDDING_LENGTH
    inpaints: bool = False
    skips: bool = True
    things: int = 0
    parts: int = 0
    painted: int = 0
    paints: int = 0


class _Layer(nn.Module):
    """Joint attention and feed-forward, each modulated and gated (adaLN-Zero, Peebles and Xie 2022).

    Queries and keys are normalised per head (Henry et al. 2020): else Muon's steps, all of one size, make
    their product grow until the softmax saturates and every word has the same say.
    """

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.reach = config.heads, config.reach
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.text_kv = nn.Linear(width, 2 * width)
        self.query_norm = HeadNorm(width, config.heads)
        self.key_norm = HeadNorm(width, config.heads)
        self.out = nn.Linear(width, width)
        self.feed_forward = FeedForward(width, 4 * width)
        self.modulation = nn.Parameter(torch.zeros(6, width))
        self.nearness = nn.Parameter(_slopes(config.heads, config.reach))

    def forward(
        self,
        x_BNW: Tensor,
        grid: tuple[int, int],
        text_BTW: Tensor,
        hidden_B11T: Tensor,
        shared_B6W: Tensor,
    ) -> tuple[Tensor, Tensor]:
        shift1, scale1, gate1, shift2, scale2, gate2 = (shared_B6W + self.modulation)[:, :, None].unbind(1)
        q, k, v = self.qkv(self.norm1(x_BNW) * (1 + scale1) + shift1).chunk(3, dim=-1)
        text_k, text_v = self.text_kv(text_BTW).chunk(2, dim=-1)
        keys, values = torch.cat([k, text_k], 1), torch.cat([v, text_v], 1)
        bias = self._bias(grid, x_BNW.shape[0], hidden_B11T)
        mixed, weights_BHNM = attend(self.query_norm(q), self.key_norm(keys), values, self.heads, bias)
        x_BNW = x_BNW + gate1 * self.out(mixed)
        x_BNW = x_BNW + gate2 * self.feed_forward(self.norm2(x_BNW) * (1 + scale2) + shift2)
        return x_BNW, weights_BHNM[..., x_BNW.shape[1] :].detach().mean(1)  # to look at, not to learn from

    def _bias(self, grid: tuple[int, int], batch: int, hidden_B11T: Tensor) -> Tensor:
        """(B, H, N, M): how near picture tokens are, learned per head; the prompt's padding is hidden."""
        rows, columns = (self._away(side, hidden_B11T.device) for side in grid)
        table = self.nearness[:, rows[:, None, :, None], columns[None, :, None, :]]
        near_HNN = table.reshape(self.heads, grid[0] * grid[1], grid[0] * grid[1])
        near = near_HNN[None].expand(batch, -1, -1, -1)
        return torch.cat([near, hidden_B11T.expand(-1, self.heads, near.shape[2], -1)], -1)

    def _away(self, side: int, device: torch.device) -> Tensor:
        """(side, side): how far places along a side are from each other, counted from the table's first entry."""
        places = torch.arange(side, device=device)
        return places[:, None] - places[None, :] + self.reach - 1


class Denoiser(nn.Module):
    """x0 = s * F(x, t, prompt), with channel k's own deviation s_k: the clean picture itself.

    Clean patches are few among all that there could be, noise is any; so a network whose tokens are hardly wider
    than a patch has numbers predicts the former far better (Li and He 2025, "Back to basics: let denoising
    generative models denoise"; decision 0015).

    With `skips` it is x0 = skip(t) * x + out(t) * F (after Karras et al. 2022, eq. 7), where skip and out are those
    of the best linear estimate under x = (1 - t) x0 + t eps: skip = (1 - t) s^2 / v and out = t s / sqrt(v), with
    v = (1 - t)^2 s^2 + t^2. There F is the more like noise the nearer x is to the clean picture.
    """

    deviation: Tensor

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.register_buffer("deviation", torch.ones(config.channels))
        self.embed = nn.Linear(config.channels, width)
        self.places = nn.Parameter(_places(config.grid, config.reach, width))
        self.text_embed = nn.Sequential(nn.LayerNorm(config.text_width), nn.Linear(config.text_width, width))
        self.text_blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.text_layers))
        self.condition = nn.Linear(config.vector, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.modulate = nn.Linear(width, 6 * width)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, config.channels)
        self.know = nn.Linear(1 + config.channels, width, bias=False) if config.inpaints else None
        if self.know is not None:
            nn.init.zeros_(self.know.weight)
        self.memory = (
            Memory(width, config.channels, config.things, config.parts, config.painted, config.paints)
            if config.things
            else None
        )
        for zeroed in (self.modulate, self.head):
            nn.init.zeros_(zeroed.weight)
            nn.init.zeros_(zeroed.bias)
        with torch.no_grad():
            for layer in self.layers:
                cast("_Layer", layer).modulation[2].fill_(0.5)
                cast("_Layer", layer).modulation[5].fill_(0.5)

    def forward(
        self,
        x_BChw: Tensor,
        t_B: Tensor,
        states_BTD: Tensor,
        mask_BT: Tensor,
        vector_BV: Tensor,
        known_BKhw: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Estimate the clean picture.

        Args:
            x_BChw: noisy latents.
            t_B: times from 0 (clean) to 1 (noise).
            states_BTD: the prompt's token states.
            mask_BT: bool, True where a token stands. A prompt without tokens is no prompt at all.
            vector_BV: the prompt's vector, zero for no prompt.
            known_BKhw: what is known of the picture, see `known`; for networks that inpaint. None is nothing.

        Returns:
            (B, C, h, w) the estimate of the clean latents, and (B, T, h, w) the attention that the picture
            pays to each prompt token, averaged over heads and layers.
        """
        skip_BC, out_BC, into_BC = self.preconditioning(t_B)
        output_BChw, attention, _ = self.output(
            x_BChw * into_BC[..., None, None], t_B, states_BTD, mask_BT, vector_BV, known_BKhw
        )
        x0_BChw = skip_BC[..., None, None] * x_BChw + out_BC[..., None, None] * output_BChw
        return x0_BChw, attention

    def preconditioning(self, t_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Skip, out and in factors, each (B, C)."""
        skip_BC, out_BC, into_BC = self.linear(t_B)
        if self.config.skips:
            return skip_BC, out_BC, into_BC
        return torch.zeros_like(skip_BC), self.deviation.expand_as(out_BC), into_BC

    def linear(self, t_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the best linear estimate: what x counts, the deviation of its error, and one over that of x, (B, C)."""
        t, s = t_B[:, None], self.deviation[None, :]
        variance = (1 - t) ** 2 * s**2 + t**2
        return (1 - t) * s**2 / variance, t * s * variance.rsqrt(), variance.rsqrt()

    def known(self, x0_BChw: Tensor, mask_B1hw: Tensor) -> Tensor:
        """(B, K, h, w): the mask, 1 where the clean latents are known, and those, of unit variance; 0 elsewhere."""
        return torch.cat([mask_B1hw, mask_B1hw * x0_BChw / self.deviation[:, None, None]], 1)

    def output(
        self,
        x_BChw: Tensor,
        t_B: Tensor,
        states_BTD: Tensor,
        mask_BT: Tensor,
        vector_BV: Tensor,
        known_BKhw: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """F: everything but the preconditioning.

        Returns:
            F (B, C, h, w), the attention as in `forward`, and the tokens (B, N, W) halfway through.
        """
        batch, _, h, w = x_BChw.shape
        text_BTW = self.text_embed(states_BTD)
        hidden_B11T = padding_bias(mask_BT, x_BChw.dtype)
        for block in self.text_blocks:
            text_BTW = block(text_BTW, hidden_B11T)
        condition_BW = self.time(_waves(t_B, self.config.width)) + self.condition(vector_BV * 32)
        shared_B6W = self.modulate(nn.functional.silu(condition_BW)).view(batch, 6, -1)
        x_BNW = self.embed(_tokens(x_BChw)) + self._places_of(h, w)
        if self.know is not None and known_BKhw is not None:
            x_BNW = x_BNW + self.know(_tokens(known_BKhw))
        middle_BNW, total_BNT, looks_BNC = x_BNW, torch.zeros(()), None
        for number, layer in enumerate(self.layers):
            x_BNW, weights_BNT = layer(x_BNW, (h, w), text_BTW, hidden_B11T, shared_B6W)
            total_BNT = total_BNT + weights_BNT
            if number == len(self.layers) // 2:
                middle_BNW = x_BNW
                if self.memory is not None:
                    x_BNW, looks_BNC = self.memory(middle_BNW)
        out_BNC = self.head(self.norm(x_BNW))
        if looks_BNC is not None:
            out_BNC = out_BNC + looks_BNC
        attention_BThw = (total_BNT / len(self.layers)).transpose(1, 2).reshape(batch, -1, h, w)
        return out_BNC.transpose(1, 2).reshape(x_BChw.shape), attention_BThw, middle_BNW

    def _places_of(self, h: int, w: int) -> Tensor:
        """(N, W): what tells the tokens of a picture of h x w where they are."""
        reach = self.config.reach
        left = (reach - w) // 2
        return self.places.view(reach, reach, -1)[reach - h :, left : left + w].flatten(0, 1)


def _tokens(x_BChw: Tensor) -> Tensor:
    """(B, N, C)."""
    return x_BChw.flatten(2).transpose(1, 2)


def _places(grid: int, reach: int, width: int) -> Tensor:
    """(R * R, W): sines and cosines of row and column, from which the learned positions start.

    Those of a picture of `grid` x `grid` are from 0 to 1, as if there were no others.
    """
    at = torch.arange(reach)
    axes = torch.meshgrid((at - (reach - grid)) / grid, (at - (reach - grid) // 2) / grid, indexing="ij")
    rows, columns = (_waves(axis.flatten(), width // 2, 30.0) for axis in axes)
    return torch.cat([rows, columns], -1)


def _slopes(heads: int, reach: int) -> Tensor:
    """(H, offsets, offsets): the first head sees all alike, the others what is near the more (Press et al. 2022)."""
    away = torch.arange(1 - reach, reach).float()
    distance = (away[:, None] ** 2 + away[None, :] ** 2).sqrt()
    return -torch.arange(heads)[:, None, None] / heads * distance


def _waves(t_B: Tensor, width: int, fastest: float = 1000.0) -> Tensor:
    """Sinusoidal embedding of numbers from 0 to 1 (Vaswani et al. 2017, section 3.5): (B,) -> (B, W)."""
    half = width // 2
    frequency = fastest ** (1 - torch.arange(half, device=t_B.device) / half)
    angle_BF = t_B[:, None] * frequency
    return torch.cat([angle_BF.cos(), angle_BF.sin()], -1)
