"""PixArt (alpha and sigma): a transformer whose places look at T5's states by cross-attention.

Axes in names: B batch, T tokens, D token width, C channels, h and w the latent grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from limner.engines.families.base import Condition, Family
from limner.engines.families.levels import VariancePreserving
from limner.engines.families.reading import Reading, read

__all__ = ["PixArt"]


class PixArt(Family):
    """Prompts are read in small letters, as the network was trained."""

    def __init__(self, pipe: Any) -> None:
        super().__init__(pipe)
        self.levels = VariancePreserving(pipe.scheduler.config)

    def readers(self) -> list[tuple[Any, int]]:
        """See `Family`: the window is the pipeline's own, 120 tokens for alpha and 300 for sigma."""
        return [(self.pipe.tokenizer, int(self._default("max_sequence_length")))]

    def read(self, prompt: str) -> list[Reading]:
        """See `Family`."""
        [(tokenizer, window)] = self.readers()
        return [read(tokenizer, window, prompt, small=True)]

    def encode(self, prompts: Sequence[str]) -> Condition:
        """See `Family`."""
        [(_, window)] = self.readers()
        states_BTD, mask_BT, _, _ = self.pipe.encode_prompt(
            list(prompts),
            do_classifier_free_guidance=False,
            device=self.pipe.device,
            max_sequence_length=window,
        )
        return Condition.unpooled(states_BTD, mask_BT)

    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """See `Family`. What else the network puts out, its variance, no sampler of limner uses."""
        del guidance_B
        predicted_BChw: Tensor = self.network(
            x_BChw,
            encoder_hidden_states=condition.states_BTD,
            encoder_attention_mask=condition.mask_BT.to(x_BChw.dtype),
            timestep=time_B,
            added_cond_kwargs=self._size(x_BChw),
            return_dict=False,
        )[0]
        return predicted_BChw[:, : x_BChw.shape[1]]

    def _size(self, x_BChw: Tensor) -> dict[str, Tensor | None]:
        """The size and shape of the picture, which alpha's largest network is told."""
        if not self.network.use_additional_conditions:
            return {"resolution": None, "aspect_ratio": None}
        count, _, height, width = x_BChw.shape
        scale = self.pipe.vae_scale_factor
        size_B2 = torch.tensor([[height * scale, width * scale]]).expand(count, 2)
        ratio_B1 = torch.tensor([[height / width]]).expand(count, 1)
        return {"resolution": size_B2.to(x_BChw), "aspect_ratio": ratio_B1.to(x_BChw)}
