"""Stage 2: token ids -> token states and the prompt's vector of length 1024.

The transformer is all-MiniLM-L6-v2's (BERT, Devlin et al. 2018; Wang et al. 2020): post-norm, six layers.

Axes in names: B batch, T tokens, D token width, V vector length (1024).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from limner.network.layers import attend, padding_bias
from limner.types import EMBEDDING_LENGTH

__all__ = ["TextEncoder", "TextEncoderConfig", "load_minilm"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TextEncoderConfig:
    """Shapes of the text encoder."""

    vocabulary: int = 30522
    positions: int = 512
    width: int = 384
    layers: int = 6
    heads: int = 12
    hidden: int = 1536
    vector: int = EMBEDDING_LENGTH


class _Layer(nn.Module):
    """BERT's post-norm layer."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)
        self.up, self.down = nn.Linear(width, config.hidden), nn.Linear(config.hidden, width)

    def forward(self, x_BTD: Tensor, bias: Tensor) -> Tensor:
        mixed, _ = attend(self.query(x_BTD), self.key(x_BTD), self.value(x_BTD), self.heads, bias)
        x_BTD = self.norm1(x_BTD + self.out(mixed))
        return cast("Tensor", self.norm2(x_BTD + self.down(nn.functional.gelu(self.up(x_BTD)))))


class TextEncoder(nn.Module):
    """Token ids -> token states (B, T, 384) and unit vectors (B, 1024)."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Embedding(config.vocabulary, config.width)
        self.places = nn.Embedding(config.positions, config.width)
        self.segment = nn.Parameter(torch.zeros(config.width))
        self.norm = nn.LayerNorm(config.width, eps=1e-12)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.to_vector = nn.Linear(config.width, config.vector, bias=False)

    def forward(self, ids_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch.

        Args:
            ids_BT: (B, T) int64 token ids, padded.
            mask_BT: (B, T) bool, True where a token stands.

        Returns:
            (B, T, D) token states, zero where there is no token; (B, V) unit vectors: the states' mean,
            projected.
        """
        positions_T = torch.arange(ids_BT.shape[1], device=ids_BT.device)
        x_BTD = self.norm(self.words(ids_BT) + self.places(positions_T) + self.segment)
        bias = padding_bias(mask_BT)
        for layer in self.layers:
            x_BTD = layer(x_BTD, bias)
        x_BTD = x_BTD * mask_BT[..., None]
        mean_BD = x_BTD.sum(1) / mask_BT.sum(1, keepdim=True).clamp(min=1)
        return x_BTD, nn.functional.normalize(self.to_vector(mean_BD), dim=-1)


def load_minilm(encoder: TextEncoder, path: Path) -> None:
    """Put all-MiniLM-L6-v2's weights (a BERT safetensors file) into `encoder`; `to_vector` stays as it is."""
    from safetensors.torch import load_file

    source = load_file(path)
    prefixes = {"attention.self.query": "query", "attention.self.key": "key", "attention.self.value": "value"}
    prefixes |= {"attention.output.dense": "out", "attention.output.LayerNorm": "norm1"}
    prefixes |= {"intermediate.dense": "up", "output.dense": "down", "output.LayerNorm": "norm2"}
    state = {
        "words.weight": source["embeddings.word_embeddings.weight"],
        "places.weight": source["embeddings.position_embeddings.weight"],
        "segment": source["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": source["embeddings.LayerNorm.weight"],
        "norm.bias": source["embeddings.LayerNorm.bias"],
        "to_vector.weight": encoder.to_vector.weight,
    }
    for number in range(encoder.config.layers):
        for theirs, ours in prefixes.items():
            for kind in ("weight", "bias"):
                state[f"layers.{number}.{ours}.{kind}"] = source[f"encoder.layer.{number}.{theirs}.{kind}"]
    encoder.load_state_dict(state)
