"""Stable Diffusion 3 and 3.5: a transformer that reads patches of the picture and all encoders' states side by side.

Axes in names: B batch, T tokens, D token width, P pooled width, C channels, h and w the latent grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from limner.engines.families.base import Condition, Family
from limner.engines.families.levels import Flow
from limner.engines.families.looking import Attentions, joint_attentions

__all__ = ["StableDiffusion3"]

_T5_WINDOW = 256


class StableDiffusion3(Family):
    """First come the tokens of the two CLIPs, which are the same, then T5's; without T5 its places stay zero."""

    def __init__(self, pipe: Any) -> None:
        super().__init__(pipe)
        config = pipe.scheduler.config
        moves = bool(config.get("use_dynamic_shifting"))
        shift = self._shift(1.16, self.network.config.patch_size) if moves else None
        self.levels = Flow(config, shift=shift)

    def readers(self) -> list[tuple[Any, int]]:
        """See `Family`."""
        clip = (self.pipe.tokenizer, self.pipe.tokenizer.model_max_length)
        return [clip] if self.pipe.text_encoder_3 is None else [clip, (self.pipe.tokenizer_3, _T5_WINDOW)]

    def encode(self, prompts: Sequence[str]) -> Condition:
        """See `Family`. Padding has states too, which the network looks at as at all others."""
        same = list(prompts)
        states_BTD, _, pooled_BP, _ = self.pipe.encode_prompt(
            same,
            same,
            same,
            device=self.pipe.device,
            do_classifier_free_guidance=False,
            max_sequence_length=_T5_WINDOW,
        )
        stand = sum(window for _, window in self.readers())
        mask_BT = (torch.arange(states_BTD.shape[1]) < stand).expand(len(prompts), -1)
        return Condition(states_BTD=states_BTD, mask_BT=mask_BT, pooled_BP=pooled_BP)

    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """See `Family`."""
        del guidance_B
        predicted_BChw: Tensor = self.network(
            hidden_states=x_BChw,
            timestep=time_B,
            encoder_hidden_states=condition.states_BTD,
            pooled_projections=condition.pooled_BP,
            return_dict=False,
        )[0]
        return predicted_BChw

    def attentions(self) -> Attentions:
        """See `Family`."""
        return joint_attentions(self.network)
