"""Stable Diffusion 1 and 2: a UNet that looks at the states of one CLIP.

Axes in names: B batch, T tokens, D token width, P pooled width, C channels, h and w the latent grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from limner.engines.families.base import Condition, Family, last_states
from limner.engines.families.levels import VariancePreserving

__all__ = ["StableDiffusion"]


class StableDiffusion(Family):
    """The pooled vector, which the network does not look at, is the state of the last token."""

    def __init__(self, pipe: Any) -> None:
        super().__init__(pipe)
        self.levels = VariancePreserving(pipe.scheduler.config)

    @property
    def network(self) -> Any:
        """See `Family`."""
        return self.pipe.unet

    def readers(self) -> list[tuple[Any, int]]:
        """See `Family`."""
        return [(self.pipe.tokenizer, self.pipe.tokenizer.model_max_length)]

    def encode(self, prompts: Sequence[str]) -> Condition:
        """See `Family`. Padding has states too, which the network looks at as at all others."""
        states_BTD, _ = self.pipe.encode_prompt(list(prompts), self.pipe.device, 1, False)  # noqa: FBT003
        read = self.pipe.tokenizer(
            list(prompts), padding="max_length", truncation=True, return_tensors="pt"
        ).attention_mask
        return Condition(
            states_BTD=states_BTD,
            mask_BT=torch.ones(states_BTD.shape[:2], dtype=torch.bool),
            pooled_BP=last_states(states_BTD, read),
        )

    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """See `Family`."""
        del guidance_B
        predicted_BChw: Tensor = self.network(
            x_BChw, time_B, encoder_hidden_states=condition.states_BTD, return_dict=False
        )[0]
        return predicted_BChw
