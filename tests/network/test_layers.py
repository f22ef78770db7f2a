"""`limner.network.layers`: what torch's own layers give, and attention that cannot saturate."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from limner.network.layers import Block, HeadNorm, attend, padding_bias


def random(*shape: int) -> Tensor:
    """Normal numbers, always the same."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))


@pytest.mark.parametrize("biased", [False, True])
def test_attention_is_torchs_own(biased: bool) -> None:  # noqa: FBT001 (pytest passes it by name)
    """Two plain matmuls give what `scaled_dot_product_attention` gives, and the weights that it used."""
    q, k, v = (random(2, tokens, 24) * number for number, tokens in ((1, 5), (2, 7), (3, 7)))
    bias = random(2, 3, 5, 7) if biased else None
    mixed, weights = attend(q, k, v, 3, bias)
    q, k, v = (x.unflatten(-1, (3, 8)).transpose(1, 2) for x in (q, k, v))
    expected = nn.functional.scaled_dot_product_attention(q, k, v, bias)
    torch.testing.assert_close(mixed, expected.transpose(1, 2).flatten(2))
    torch.testing.assert_close(weights @ v, expected)


def test_hidden_keys_get_nothing() -> None:
    """What the padding bias hides has no weight at all; if all is hidden, nothing becomes NaN."""
    mask = torch.tensor([[True, True, False, False], [False] * 4])
    mixed, weights = attend(random(2, 3, 8), random(2, 4, 8), random(2, 4, 8), 2, padding_bias(mask))
    assert (weights[0, ..., 2:] == 0).all()
    assert mixed.isfinite().all()


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e6])
def test_head_norm_bounds_the_logits(scale: float) -> None:
    """However large queries and keys are, no logit of attention exceeds the square root of a head's width."""
    norm = HeadNorm(32, 2)
    q, k = (norm(random(1, 50, 32) * scale).unflatten(-1, (2, 16)) for _ in range(2))
    logits = torch.einsum("bnhw,bmhw->bhnm", q, k) / 16**0.5
    assert logits.abs().max() <= 16**0.5 * 1.0001


def test_head_norm_does_each_head_by_itself() -> None:
    """A head a thousand times larger than the other comes out of the same size, and the other as it was."""
    norm, x = HeadNorm(32, 2), random(1, 4, 32)
    larger = torch.cat([x[..., :16] * 1000, x[..., 16:]], -1)
    torch.testing.assert_close(norm(larger), norm(x))
    assert norm(torch.zeros(1, 4, 32)).isfinite().all()


def test_a_block_is_torchs_pre_norm_layer() -> None:
    """With the same weights it computes what `TransformerEncoderLayer` does."""
    torch.manual_seed(0)
    block = Block(24, 3)
    theirs = nn.TransformerEncoderLayer(
        24, 3, 96, 0.0, lambda x: nn.functional.gelu(x, approximate="tanh"), norm_first=True, batch_first=True
    )
    renamed = {"attention.qkv.": "self_attn.in_proj_", "attention.out": "self_attn.out_proj"}
    renamed |= {"feed_forward.up": "linear1", "feed_forward.down": "linear2"}
    state = block.state_dict()
    for ours, other in renamed.items():
        state = {name.replace(ours, other): value for name, value in state.items()}
    theirs.load_state_dict(state)
    torch.testing.assert_close(block(random(2, 5, 24)), theirs(random(2, 5, 24)))
