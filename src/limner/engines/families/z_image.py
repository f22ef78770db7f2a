"""Z-Image: one transformer for patches of the picture and a language model's states, in one row.

Axes in names: B batch, T tokens, N patches of 2 by 2, L the whole row, D token width or width of a head, C channels,
h and w the latent grid, S heads, 3 axes of a place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from limner.engines.families.base import Condition, Family
from limner.engines.families.levels import Flow
from limner.engines.families.looking import Attentions, Layer
from limner.engines.families.reading import Reading, read

__all__ = ["ZImage"]

_WINDOW = 512
# Patches and tokens are each filled up to a multiple of this.
_ROW = 32


class ZImage(Family):
    """The network's time runs from noise to clean, and what it predicts leads to the clean picture."""

    def __init__(self, pipe: Any) -> None:
        super().__init__(pipe)
        self.levels = Flow(pipe.scheduler.config, shift=self._shift(1.15), even=True)
        pipe.tokenizer.padding_side = "right"

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """See `Family`: the transformer takes any size, the autoencoder says which is usual."""
        side = 2 * (int(self.pipe.vae.config.sample_size) // self.pipe.vae_scale_factor // 2)
        return int(self.network.in_channels), side, side

    @property
    def default_guidance(self) -> float:
        """See `Family`: the pipeline counts from the prompt, limner from none, which is one more."""
        return super().default_guidance + 1

    def readers(self) -> list[tuple[Any, int]]:
        """See `Family`."""
        return [(self.pipe.tokenizer, _WINDOW)]

    def read(self, prompt: str) -> list[Reading]:
        """See `Family`: the whole conversation is looked at, with the prompt in it."""
        frame = self.pipe.tokenizer.apply_chat_template(
            [{"role": "user", "content": "{}"}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=True,
        )
        return [read(self.pipe.tokenizer, _WINDOW, prompt, frame=frame)]

    def encode(self, prompts: Sequence[str]) -> Condition:
        """See `Family`."""
        states, _ = self.pipe.encode_prompt(
            list(prompts),
            device=self.pipe.device,
            do_classifier_free_guidance=False,
            max_sequence_length=_WINDOW,
        )
        lengths_B1 = torch.tensor([[len(state_TD)] for state_TD in states], device=states[0].device)
        states_BTD = states[0].new_zeros(len(states), _WINDOW, states[0].shape[1])
        filled_BTD = pad_sequence(states, batch_first=True)
        states_BTD[:, : filled_BTD.shape[1]] = filled_BTD
        mask_BT = torch.arange(_WINDOW, device=states_BTD.device) < lengths_B1
        return Condition.unpooled(states_BTD, mask_BT)

    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """See `Family`. Where no token stands at all, the network is given one of zeros."""
        del guidance_B
        lengths = condition.mask_BT.sum(1).clamp(min=1).tolist()
        predicted: list[Tensor] = self.network(
            list(x_BChw[:, :, None]),
            (1000 - time_B) / 1000,
            [state_TD[:length] for state_TD, length in zip(condition.states_BTD, lengths, strict=True)],
            return_dict=False,
        )[0]
        return -torch.stack(predicted)[:, :, 0]

    def attentions(self) -> Attentions:
        """See `Family`: the layers in which places and tokens stand in one row."""
        return [
            Layer(
                heads=block.attention.heads,
                query=block.attention.norm_q or block.attention.to_q,
                key=block.attention.norm_k or block.attention.to_k,
            )
            for block in self.network.layers
        ]

    def turn(self, query_BSND: Tensor, key_BSTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Take places from the one and tokens from the other, each rotated as the network does."""
        _, height, width = self.latent_shape
        places = height // 2 * (width // 2)
        first = places + -places % _ROW
        turns = [self._turns(length, mask_BT.device) for length in mask_BT.sum(1).clamp(min=1).tolist()]
        place_BND = torch.stack([place_ND for place_ND, _ in turns])
        token_BTD = pad_sequence([token_TD for _, token_TD in turns], batch_first=True)
        token_BTD = token_BTD[:, : key_BSTD.shape[2] - first]
        keys_BSTD = key_BSTD[:, :, first : first + token_BTD.shape[1]]
        return _turned(query_BSND[:, :, :places], place_BND), _turned(keys_BSTD, token_BTD)

    def _turns(self, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Rotations of all places beside a prompt of so many tokens, and of its tokens, as complex numbers."""
        _, height, width = self.latent_shape
        grid, row = self.network.create_coordinate_grid, length + -length % _ROW
        place_N3 = grid((1, height // 2, width // 2), (row + 1, 0, 0), device).flatten(0, 2)
        token_T3 = grid((length, 1, 1), (1, 0, 0), device).flatten(0, 2)
        return self.network.rope_embedder(place_N3), self.network.rope_embedder(token_T3)


def _turned(values_BSLD: Tensor, turn_BLD: Tensor) -> Tensor:
    """Each pair of numbers rotated in its plane."""
    pairs_BSLD = torch.view_as_complex(values_BSLD.float().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs_BSLD * turn_BLD[:, None]).flatten(-2)
