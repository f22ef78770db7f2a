"""Sana: linear attention among places, cross-attention to a language model's states, and a deep autoencoder.

Axes in names: B batch, T tokens, D token width, C channels, H and W pixels, h and w the latent grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from limner.engines.families.base import Condition, Family
from limner.engines.families.levels import Flow
from limner.engines.families.reading import Reading, read

__all__ = ["Sana"]

_WINDOW = 300


class Sana(Family):
    """The language model reads an instruction before each prompt; no prompt at all it reads without."""

    def __init__(self, pipe: Any) -> None:
        super().__init__(pipe)
        self.levels = Flow(pipe.scheduler.config)
        pipe.tokenizer.padding_side = "right"
        self._instruction: list[str] = self._default("complex_human_instruction")

    def readers(self) -> list[tuple[Any, int]]:
        """See `Family`."""
        return [(self.pipe.tokenizer, _WINDOW)]

    def read(self, prompt: str) -> list[Reading]:
        """See `Family`: of the instruction the first and the last token are kept, as in the pipeline."""
        before = "\n".join(self._instruction)
        window = len(self.pipe.tokenizer.encode(before)) + _WINDOW - 2
        kept = [0, *range(window - _WINDOW + 1, window)]
        frame = f"{before}{{}}"
        return [read(self.pipe.tokenizer, window, prompt.lstrip(), frame=frame, kept=kept, small=True)]

    def encode(self, prompts: Sequence[str]) -> Condition:
        """See `Family`."""
        return self._encode(prompts, self._instruction)

    def nothing(self) -> Condition:
        """See `Family`."""
        return self._encode([""], None)

    def _encode(self, prompts: Sequence[str], instruction: list[str] | None) -> Condition:
        states_BTD, mask_BT, _, _ = self.pipe.encode_prompt(
            list(prompts),
            do_classifier_free_guidance=False,
            device=self.pipe.device,
            max_sequence_length=_WINDOW,
            complex_human_instruction=instruction,
        )
        return Condition.unpooled(states_BTD, mask_BT)

    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """See `Family`."""
        del guidance_B
        predicted_BChw: Tensor = self.network(
            x_BChw,
            encoder_hidden_states=condition.states_BTD,
            encoder_attention_mask=condition.mask_BT.to(x_BChw.dtype),
            timestep=time_B * self.network.config.timestep_scale,
            return_dict=False,
        )[0]
        return predicted_BChw[:, : x_BChw.shape[1]]

    def _latents(self, pixels_BCHW: Tensor) -> Tensor:
        latents_BChw: Tensor = self.pipe.vae.encode(pixels_BCHW).latent
        return latents_BChw
