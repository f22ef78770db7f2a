"""`limner.network.text_encoder`: BERT, as torch's own layers compute it, and a vector."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from limner.network.text_encoder import TextEncoder, TextEncoderConfig, load_minilm

CONFIG = TextEncoderConfig(vocabulary=20, positions=12, width=16, layers=2, heads=2, hidden=32, vector=8)
IDS = torch.tensor([[1, 7, 3, 2, 0], [1, 9, 2, 0, 0]])


def tiny() -> TextEncoder:
    """Two layers with random weights."""
    torch.manual_seed(0)
    return TextEncoder(CONFIG).eval()


class Bert(nn.Module):
    """BERT's encoder, made of torch's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.types = (nn.Embedding(count, 16) for count in (20, 12, 2))
        self.norm = nn.LayerNorm(16, eps=1e-12)
        layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Token states (B, T, D); 0 is padding."""
        embedded = self.words(ids_BT) + self.places.weight[: ids_BT.shape[1]] + self.types.weight[0]
        states: Tensor = self.layers(self.norm(embedded), src_key_padding_mask=ids_BT == 0)
        return states

    def as_published(self) -> dict[str, Tensor]:
        """The weights under the names that published BERT files have."""
        state = {f"embeddings.LayerNorm.{kind}": getattr(self.norm, kind) for kind in ("weight", "bias")}
        for name, table in (("word", self.words), ("position", self.places), ("token_type", self.types)):
            state[f"embeddings.{name}_embeddings.weight"] = table.weight
        names = {"self_attn.out_proj": "attention.output.dense", "norm1": "attention.output.LayerNorm"}
        names |= {"linear1": "intermediate.dense", "linear2": "output.dense", "norm2": "output.LayerNorm"}
        for number, layer in enumerate(self.layers.layers):
            weights, prefix = layer.state_dict(), f"encoder.layer.{number}."
            for kind in ("weight", "bias"):
                three = weights[f"self_attn.in_proj_{kind}"].chunk(3)
                for name, part in zip(("query", "key", "value"), three, strict=True):
                    state[f"{prefix}attention.self.{name}.{kind}"] = part
                state |= {f"{prefix}{ours}.{kind}": weights[f"{name}.{kind}"] for name, ours in names.items()}
        return {name: value.detach().clone() for name, value in state.items()}


def test_published_weights_give_what_bert_gives(tmp_path: Path) -> None:
    """With the weights of a BERT file the states are BERT's; the projection to the vector stays."""
    encoder, bert = tiny(), Bert()
    before = encoder.to_vector.weight.clone()
    save_file(bert.as_published(), tmp_path / "model.safetensors")
    load_minilm(encoder, tmp_path / "model.safetensors")
    states, _ = encoder(IDS, IDS > 0)
    expected = bert(IDS) * (IDS > 0)[..., None]
    torch.testing.assert_close(states, expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(encoder.to_vector.weight, before)


def test_the_vector_is_the_projected_mean_of_the_tokens() -> None:
    """Padding has no part in the mean; the vector has length 1."""
    encoder = tiny()
    states, vectors = encoder(IDS, IDS > 0)
    projected = encoder.to_vector(states[1, :3].mean(0))
    torch.testing.assert_close(vectors[1], projected / projected.norm())


def test_the_order_of_words_counts() -> None:
    """The same tokens the other way round mean something else."""
    _, vectors = tiny()(torch.tensor([[1, 7, 3, 2], [1, 3, 7, 2]]), torch.ones(2, 4, dtype=torch.bool))
    assert (vectors[0] - vectors[1]).norm() > 0.01


def test_no_tokens_at_all_have_no_vector() -> None:
    """A prompt of padding alone gives zeros, not NaN."""
    states, vectors = tiny()(IDS, torch.zeros_like(IDS, dtype=torch.bool))
    assert not states.any()
    assert not vectors.any()
