"""One network call for many pictures, whatever each of them is doing.

Axes in names: B batch, C channels, h and w the latent grid; 1 an axis of length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limner.diffusion.inpaint import KnownRegion
from limner.diffusion.rendering import Rendering
from limner.engines.base import Engine, Inpaint
from limner.engines.coarse import CoarseEngine
from limner.types import Floats

__all__ = ["Look", "step_together"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Look:
    """One network call: where the pictures stood, and how the engine saw them clean.

    Attributes:
        t_B: (B,) the pictures' times.
        x_BChw: (B, C, h, w) the noisy pictures.
        x0_BChw: (B, C, h, w) the estimates of the clean ones.
    """

    t_B: Floats
    x_BChw: Floats
    x0_BChw: Floats


def step_together(engine: Engine, renderings: Sequence[Rendering]) -> Look:
    """Let the engine look once at all these pictures, and make one step of each; a coarse engine makes all.

    Args:
        engine: who computes.
        renderings: pictures of one shape that are not done, at least one; each may have its own prompt, time,
            guidance, sampler and known region.

    Returns:
        What the engine saw, for previews and traces.

    Raises:
        EngineError: the engine failed; no picture was moved.
        NonFiniteError: the estimate of a picture holds NaN or infinity; it and those after it were not moved.
        CancelledError: nobody wants a picture any more that a coarse engine had begun.
    """
    t_B = np.array([rendering.t for rendering in renderings], np.float32)
    x_BChw = np.stack([rendering.x_Chw for rendering in renderings])
    if isinstance(engine, CoarseEngine):
        return Look(t_B=t_B, x_BChw=x_BChw, x0_BChw=_draw_whole(engine, renderings))
    features = [rendering.features for rendering in renderings]
    guidance_B = np.array([rendering.guidance for rendering in renderings], np.float32)
    x0_BChw = engine.denoise(x_BChw, t_B, features, guidance_B, _inpaint(renderings))
    for rendering, x0_Chw in zip(renderings, x0_BChw, strict=True):
        rendering.advance(x0_Chw)
    return Look(t_B=t_B, x_BChw=x_BChw, x0_BChw=x0_BChw)


def _draw_whole(engine: CoarseEngine, renderings: Sequence[Rendering]) -> Floats:
    for rendering in renderings:
        rendering.finish(engine.generate(rendering))
    return np.stack([rendering.x_Chw for rendering in renderings])


def _inpaint(renderings: Sequence[Rendering]) -> Inpaint | None:
    if all(rendering.known is None for rendering in renderings):
        return None
    regions = [rendering.known or _nothing_known(rendering.x_Chw) for rendering in renderings]
    return Inpaint(
        known_BChw=np.stack([region.known_Chw for region in regions]),
        mask_B1hw=np.stack([region.mask_1hw for region in regions]),
    )


def _nothing_known(x_Chw: Floats) -> KnownRegion:
    return KnownRegion(known_Chw=np.zeros_like(x_Chw), mask_1hw=np.zeros_like(x_Chw[:1]))
