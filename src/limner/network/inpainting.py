"""The denoiser as it is asked for pictures of which a part is known.

Axes in names: B batch, T prompt tokens, D prompt token width, V vector length, C channels, h, w latent grid.
"""

from __future__ import annotations

from torch import Tensor, nn

from limner.network.denoiser import Denoiser

__all__ = ["InpaintingDenoiser"]


class InpaintingDenoiser(nn.Module):
    """A denoiser that inpaints, told of what is known in clean latents and a mask of it."""

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.denoiser = denoiser

    def forward(
        self,
        x_BChw: Tensor,
        t_B: Tensor,
        states_BTD: Tensor,
        mask_BT: Tensor,
        vector_BV: Tensor,
        known_BChw: Tensor,
        known_mask_B1hw: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """As `Denoiser.forward`; of `known_BChw` only what is under the mask is looked at."""
        known_BKhw = self.denoiser.known(known_BChw, known_mask_B1hw)
        estimate: tuple[Tensor, Tensor] = self.denoiser(
            x_BChw, t_B, states_BTD, mask_BT, vector_BV, known_BKhw
        )
        return estimate
