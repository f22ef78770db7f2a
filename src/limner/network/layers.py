"""The few layers that all networks here are made of.

Axes in names: B batch, N queries, M keys, W width, H heads.

Attention is written as two plain matmuls: on CPUs the backward pass of torch's fused kernel is slower.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["Attention", "Block", "FeedForward", "HeadNorm", "attend", "padding_bias"]


def attend(
    q_BNW: Tensor, k_BMW: Tensor, v_BMW: Tensor, heads: int, bias: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention (Vaswani et al. 2017, eq. 1) with an additive bias on the logits.

    Args:
        q_BNW: queries; k_BMW, v_BMW: keys and values.
        heads: number of heads; W must divide by it.
        bias: broadcastable to (B, H, N, M), -inf where a key must not be seen; or None.

    Returns:
        (B, N, W) the mixed values, and (B, H, N, M) the weights.
    """
    batch, n, width = q_BNW.shape
    q = q_BNW.view(batch, n, heads, -1).transpose(1, 2)
    k = k_BMW.view(batch, k_BMW.shape[1], heads, -1).transpose(1, 2)
    v = v_BMW.view(batch, v_BMW.shape[1], heads, -1).transpose(1, 2)
    logits_BHNM = (q * (width // heads) ** -0.5) @ k.transpose(-1, -2)
    if bias is not None:
        logits_BHNM = logits_BHNM + bias
    weights_BHNM = logits_BHNM.softmax(-1)
    return (weights_BHNM @ v).transpose(1, 2).reshape(batch, n, width), weights_BHNM


class Attention(nn.Module):
    """Multi-head self-attention with one fused projection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BNW: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, N, W) -> (B, N, W)."""
        q, k, v = self.qkv(x_BNW).chunk(3, dim=-1)
        mixed, _ = attend(q, k, v, self.heads, bias)
        return cast("Tensor", self.out(mixed))


class HeadNorm(nn.Module):
    """Scales each head's part of a vector to a root mean square of 1, then by a learned gain."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.gain = nn.Parameter(torch.ones(width // heads))

    def forward(self, x_BNW: Tensor) -> Tensor:
        """(B, N, W) -> (B, N, W)."""
        x_BNHw = x_BNW.unflatten(-1, (self.heads, -1))
        scale_BNH1 = (x_BNHw.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
        return cast("Tensor", (x_BNHw * scale_BNH1 * self.gain).flatten(-2))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., W) -> (..., W)."""
        return cast("Tensor", self.down(nn.functional.gelu(self.up(x), approximate="tanh")))


class Block(nn.Module):
    """A pre-norm transformer block (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.feed_forward = FeedForward(width, 4 * width)

    def forward(self, x_BNW: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, N, W) -> (B, N, W)."""
        x_BNW = x_BNW + self.attention(self.norm1(x_BNW), bias)
        return cast("Tensor", x_BNW + self.feed_forward(self.norm2(x_BNW)))


def padding_bias(mask_BM: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(B, M) True where a token stands -> (B, 1, 1, M): 0 there, a very negative number elsewhere."""
    return (~mask_BM).to(dtype)[:, None, None, :] * -1e4
