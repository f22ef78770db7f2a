"""Stable Diffusion XL, turbo and lightning among it: a larger UNet, two CLIPs, and the picture's size as an input.

Axes in names: B batch, T tokens, D token width, P pooled width, C channels, h and w the latent grid; 6 the numbers
that tell the size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from limner.engines.families.base import Condition
from limner.engines.families.stable_diffusion import StableDiffusion

__all__ = ["StableDiffusionXL"]


class StableDiffusionXL(StableDiffusion):
    """Both CLIPs read the same tokens; their states stand side by side, and the second one's vector is pooled."""

    def encode(self, prompts: Sequence[str]) -> Condition:
        """See `Family`."""
        states_BTD, _, pooled_BP, _ = self.pipe.encode_prompt(
            list(prompts), device=self.pipe.device, do_classifier_free_guidance=False
        )
        mask_BT = torch.ones(states_BTD.shape[:2], dtype=torch.bool)
        return Condition(states_BTD=states_BTD, mask_BT=mask_BT, pooled_BP=pooled_BP)

    def nothing(self) -> Condition:
        """See `Family`: zeros, where the checkpoint says that it was trained so."""
        empty = super().nothing()
        if not self.pipe.config.force_zeros_for_empty_prompt:
            return empty
        return Condition(
            states_BTD=torch.zeros_like(empty.states_BTD),
            mask_BT=empty.mask_BT,
            pooled_BP=torch.zeros_like(empty.pooled_BP),
        )

    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """See `Family`. The network is told of a picture that was neither scaled nor cropped."""
        del guidance_B
        _, _, height, width = x_BChw.shape
        size = [height * self.pipe.vae_scale_factor, width * self.pipe.vae_scale_factor]
        told_6 = torch.tensor([*size, 0, 0, *size], dtype=x_BChw.dtype, device=x_BChw.device)
        predicted_BChw: Tensor = self.network(
            x_BChw,
            time_B,
            encoder_hidden_states=condition.states_BTD,
            added_cond_kwargs={
                "text_embeds": condition.pooled_BP,
                "time_ids": told_6.expand(len(x_BChw), -1),
            },
            return_dict=False,
        )[0]
        return predicted_BChw
