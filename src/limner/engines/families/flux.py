"""FLUX.1 (dev and schnell): a transformer that reads patches of the picture and T5's states side by side.

Axes in names: B batch, T tokens, N patches of 2 by 2, D token width, C channels, h and w the latent grid, S heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor

from limner.engines.families.base import Condition, Family
from limner.engines.families.levels import Flow
from limner.engines.families.looking import Attentions, joint_attentions

__all__ = ["Flux"]

_WINDOW = 512
_SCHNELL_STEPS = 4


class Flux(Family):
    """The dev model takes guidance as an input.

    The schnell model takes none, draws in 4 steps, and can be guided by a second pass like any other.
    """

    def __init__(self, pipe: Any) -> None:
        super().__init__(pipe)
        self.guidance_inside = bool(pipe.transformer.config.guidance_embeds)
        self.levels = Flow(pipe.scheduler.config, shift=self._shift(1.15), even=True)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """See `Family`: the transformer takes any size, the pipeline says which is usual."""
        side = 2 * (int(self.pipe.default_sample_size) // 2)
        return int(self.pipe.transformer.config.in_channels) // 4, side, side

    @property
    def default_steps(self) -> int:
        """See `Family`."""
        return super().default_steps if self.guidance_inside else _SCHNELL_STEPS

    @property
    def default_guidance(self) -> float:
        """See `Family`."""
        return super().default_guidance if self.guidance_inside else 1.0

    def readers(self) -> list[tuple[Any, int]]:
        """See `Family`: the states are T5's; CLIP gives the pooled vector alone."""
        return [(self.pipe.tokenizer_2, _WINDOW)]

    def encode(self, prompts: Sequence[str]) -> Condition:
        """See `Family`. Padding has states too, which the network looks at as at all others."""
        states_BTD, pooled_BP, _ = self.pipe.encode_prompt(
            list(prompts), device=self.pipe.device, max_sequence_length=_WINDOW
        )
        mask_BT = torch.ones(states_BTD.shape[:2], dtype=torch.bool)
        return Condition(states_BTD=states_BTD, mask_BT=mask_BT, pooled_BP=pooled_BP)

    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """See `Family`."""
        count, channels, height, width = x_BChw.shape
        text_ids_T3, place_ids_N3 = self._ids(condition.states_BTD.shape[1], height, width)
        predicted_BND = self.network(
            hidden_states=self.pipe._pack_latents(x_BChw, count, channels, height, width),  # noqa: SLF001
            timestep=time_B.to(x_BChw.dtype) / 1000,
            guidance=guidance_B if self.guidance_inside else None,
            pooled_projections=condition.pooled_BP,
            encoder_hidden_states=condition.states_BTD,
            txt_ids=text_ids_T3,
            img_ids=place_ids_N3,
            return_dict=False,
        )[0]
        scale = self.pipe.vae_scale_factor
        unpacked_BChw: Tensor = self.pipe._unpack_latents(  # noqa: SLF001
            predicted_BND, height * scale, width * scale, scale
        )
        return unpacked_BChw

    def _ids(self, tokens: int, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Where tokens (all at the origin) and patches stand."""
        device, dtype = self.pipe.device, self.network.dtype
        place_ids_N3 = self.pipe._prepare_latent_image_ids(  # noqa: SLF001
            1, height // 2, width // 2, device, dtype
        )
        return torch.zeros(tokens, 3, device=device, dtype=dtype), place_ids_N3

    def attentions(self) -> Attentions:
        """See `Family`: the blocks that keep places and tokens apart."""
        return joint_attentions(self.network)

    def turn(self, query_BSND: Tensor, key_BSTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Rotate queries by their place, as the network does; tokens stand at the origin and are not rotated."""
        del mask_BT
        _, height, width = self.latent_shape
        _, place_ids_N3 = self._ids(0, height, width)
        turned_BSND: Tensor = apply_rotary_emb(
            query_BSND, self.network.pos_embed(place_ids_N3), sequence_dim=2
        )
        return turned_BSND, key_BSTD
