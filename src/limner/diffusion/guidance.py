"""Classifier-free guidance: push the estimate away from what no prompt at all would give.

Axes in names: B batch, C channels, h and w the latent grid.
"""

from __future__ import annotations

from limner.types import Floats

__all__ = ["guide"]


def guide(with_prompt_BChw: Floats, without_BChw: Floats, guidance_B: Floats) -> Floats:
    """The guided estimate of the clean pictures.

    ::

        x0 = (1 + w) x0(prompt) - w x0(nothing)        w = guidance - 1

    The equation is stated for noise estimates. At a given noisy x the clean estimate is an affine
    function of the noise estimate and the weights sum to 1, so that it holds for x0 as it stands.

    Args:
        with_prompt_BChw: (B, C, h, w) estimates with the prompts.
        without_BChw: (B, C, h, w) estimates with the empty prompt.
        guidance_B: (B,) scales; where it is 1 the first estimate comes back to the bit.

    Source: Ho & Salimans 2022, "Classifier-free diffusion guidance", equation 6.
    """
    w_B111 = (guidance_B - 1.0).astype(with_prompt_BChw.dtype)[:, None, None, None]
    return with_prompt_BChw + w_B111 * (with_prompt_BChw - without_BChw)
