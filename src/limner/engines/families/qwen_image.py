"""Qwen-Image: a transformer that reads patches of the picture and a language model's states side by side.

Axes in names: B batch, T tokens, N patches of 2 by 2, D token width, C channels, H and W pixels, h and w the latent
grid, S heads; 1 an axis of length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from diffusers.models.transformers.transformer_qwenimage import apply_rotary_emb_qwen
from torch import Tensor
from torch.nn import functional

from limner.engines.families.base import Condition, Family
from limner.engines.families.levels import Flow
from limner.engines.families.looking import Attentions, joint_attentions
from limner.engines.families.reading import Reading, read

__all__ = ["QwenImage"]

_WINDOW = 512


class QwenImage(Family):
    """A guided prediction is brought back to the length that it has with the prompt, patch by patch."""

    def __init__(self, pipe: Any) -> None:
        super().__init__(pipe)
        self.levels = Flow(pipe.scheduler.config, shift=self._shift(1.15), even=True)
        pipe.tokenizer.padding_side = "right"

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """See `Family`: the transformer takes any size, the pipeline says which is usual."""
        side = 2 * (int(self.pipe.default_sample_size) // 2)
        return int(self.network.config.in_channels) // 4, side, side

    @property
    def default_guidance(self) -> float:
        """See `Family`."""
        return float(self._default("true_cfg_scale"))

    def readers(self) -> list[tuple[Any, int]]:
        """See `Family`."""
        return [(self.pipe.tokenizer, _WINDOW)]

    def read(self, prompt: str) -> list[Reading]:
        """See `Family`: of the instruction around the prompt, what stands before it is not looked at."""
        dropped = self.pipe.prompt_template_encode_start_idx
        frame = self.pipe.prompt_template_encode
        return [read(self.pipe.tokenizer, _WINDOW + dropped, prompt, frame=frame, kept=slice(dropped, None))]

    def encode(self, prompts: Sequence[str]) -> Condition:
        """See `Family`."""
        states_BTD, mask_BT = self.pipe.encode_prompt(
            list(prompts), device=self.pipe.device, max_sequence_length=_WINDOW
        )
        if mask_BT is None:
            mask_BT = torch.ones(states_BTD.shape[:2], dtype=torch.bool, device=states_BTD.device)
        beyond = _WINDOW - states_BTD.shape[1]
        states_BTD = functional.pad(states_BTD, (0, 0, 0, beyond))
        mask_BT = functional.pad(mask_BT.bool(), (0, beyond))
        return Condition.unpooled(states_BTD, mask_BT)

    def nothing(self) -> Condition:
        """See `Family`: a space, as the model's authors advise."""
        return self.encode([" "])

    def trim(self, condition: Condition) -> Condition:
        """See `Family`: nothing beyond the longest prompt."""
        longest = max(1, int(condition.mask_BT.sum(1).max()))
        return replace(
            condition,
            states_BTD=condition.states_BTD[:, :longest],
            mask_BT=condition.mask_BT[:, :longest],
        )

    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """See `Family`."""
        del guidance_B
        count, channels, height, width = x_BChw.shape
        predicted_BND = self.network(
            hidden_states=self.pipe._pack_latents(x_BChw, count, channels, height, width),  # noqa: SLF001
            timestep=time_B.to(x_BChw.dtype) / 1000,
            encoder_hidden_states=condition.states_BTD,
            encoder_hidden_states_mask=condition.mask_BT,
            img_shapes=self._shapes(height, width) * count,
            return_dict=False,
        )[0]
        scale = self.pipe.vae_scale_factor
        unpacked_BC1hw: Tensor = self.pipe._unpack_latents(  # noqa: SLF001
            predicted_BND, height * scale, width * scale, scale
        )
        return unpacked_BC1hw[:, :, 0]

    def _shapes(self, height: int, width: int) -> list[list[tuple[int, int, int]]]:
        return [[(1, height // 2, width // 2)]]

    def guide(self, with_BChw: Tensor, without_BChw: Tensor, guidance_B: Tensor) -> Tensor:
        """See `Family`: a straight line, then every patch as long as it is with the prompt."""
        led_BChw = super().guide(with_BChw, without_BChw, guidance_B)
        return led_BChw * _lengths(with_BChw) / _lengths(led_BChw).clamp(min=torch.finfo(torch.float32).tiny)

    def attentions(self) -> Attentions:
        """See `Family`."""
        return joint_attentions(self.network)

    def turn(self, query_BSND: Tensor, key_BSTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Rotate queries and keys by their places, as the network does."""
        _, height, width = self.latent_shape
        place_ND, token_TD = self.network.pos_embed(
            self._shapes(height, width), max_txt_seq_len=key_BSTD.shape[2], device=mask_BT.device
        )
        query_BNSD = apply_rotary_emb_qwen(query_BSND.transpose(1, 2), place_ND, use_real=False)
        key_BTSD = apply_rotary_emb_qwen(key_BSTD.transpose(1, 2), token_TD, use_real=False)
        return query_BNSD.transpose(1, 2), key_BTSD.transpose(1, 2)

    def _pixels(self, latents_BChw: Tensor) -> Tensor:
        return super()._pixels(latents_BChw[:, :, None])[:, :, 0]

    def _latents(self, pixels_BCHW: Tensor) -> Tensor:
        return super()._latents(pixels_BCHW[:, :, None])[:, :, 0]


def _lengths(values_BChw: Tensor) -> Tensor:
    """Of each patch of 2 by 2 over all channels, at each of its four places: (B, 1, h, w)."""
    squares_B1hw = values_BChw.square().sum(1, keepdim=True)
    return functional.interpolate(functional.avg_pool2d(squares_B1hw, 2), scale_factor=2.0).sqrt()
