"""The inpainting rule: what is known of a picture is told to the sampler as the estimate of it.

Axes in names: C channels, h and w the latent grid; 1 an axis of length 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from limner.types import Floats

__all__ = ["KnownRegion", "replace_known"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class KnownRegion:
    """What is known of one picture: its clean x where the mask is 1; where it is 0 it is drawn."""

    known_Chw: Floats
    mask_1hw: Floats


def replace_known(x0_Chw: Floats, region: KnownRegion) -> Floats:
    """The estimate with the known clean picture in its place: ``mask known + (1 - mask) x0``.

    Every sampler moves x along straight lines towards the estimate, so that where the mask is 1 the
    trajectory stays at ``(1 - t) known + t noise``, the same noise throughout, and ends on `known` exactly.

    Args:
        x0_Chw: (C, h, w) the engine's estimate.
        region: the known picture and its mask, 0 to 1.

    Source: the replacement method of Song et al. 2021, "Score-based generative modeling through
    stochastic differential equations", appendix I.2, applied to the estimate instead of to x.
    """
    return region.mask_1hw * region.known_Chw + (1.0 - region.mask_1hw) * x0_Chw
