"""A picture to start from: how an edit and a variation begin and end. Everything else is as in `pipeline`.

Axes in names: C channels, H height, W width (h, w on the latent grid), T tokens, D embedding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from limner.diffusion.inpaint import KnownRegion
from limner.engines.base import Engine
from limner.engines.shapes import nearest_shape, picture_size
from limner.imaging.masks import on_white, paste_back, touched_cells
from limner.imaging.resize import stretch
from limner.types import DEFAULT_STRENGTH, Floats, ImageRequest, Pixels, TextFeatures

__all__ = ["Source", "picture_features", "prepare_source", "restore", "size_of"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Source:
    """A picture to start from, as the engine sees it.

    Attributes:
        x0_Chw: its clean latents.
        known: the part that stays, or None.
        strength: which share of the steps is made; 1 starts from noise alone.
    """

    x0_Chw: Floats
    known: KnownRegion | None
    strength: float


def prepare_source(engine: Engine, request: ImageRequest) -> Source | None:
    """The request's picture in latents, stretched to the shape that is drawn; None if there is none."""
    if request.image_HWC is None:
        return None
    able = engine.capabilities
    size = picture_size(able, nearest_shape(able, size_of(request)))
    [x0_Chw] = engine.encode_image(stretch(on_white(request.image_HWC), size)[None])
    known, strength = None, DEFAULT_STRENGTH
    if request.mask_HW is not None:
        grid = (x0_Chw.shape[1], x0_Chw.shape[2])
        known = KnownRegion(known_Chw=x0_Chw, mask_1hw=1 - touched_cells(request.mask_HW, grid)[None])
        strength = 1.0
    return Source(
        x0_Chw=x0_Chw, known=known, strength=strength if request.strength is None else request.strength
    )


def picture_features(engine: Engine, image_HWC: Pixels) -> TextFeatures:
    """What a picture shows in place of a prompt: its vector of length 1024, and no tokens."""
    seen_HWC = stretch(on_white(image_HWC), engine.capabilities.picture_size)
    [vector_D] = engine.embed_image(seen_HWC[None])
    [blank] = engine.encode([""])
    return replace(
        blank,
        vector_D=vector_D,
        states_TD=np.zeros_like(blank.states_TD),
        mask_T=np.zeros_like(blank.mask_T),
        tokens=(),
        words=(),
    )


def size_of(request: ImageRequest) -> tuple[int, int] | None:
    """The (width, height) that was asked for, or else that of the picture to start from; None is the model's own."""
    if request.size is None and request.image_HWC is not None:
        return request.image_HWC.shape[1], request.image_HWC.shape[0]
    return request.size


def restore(drawn_HWC: Pixels, request: ImageRequest, source_HWC: Pixels) -> Pixels:
    """What was drawn, in any size, at the one that was asked for, with the source in place where it was to stay.

    At the source's own size that is the source to the bit; at another, its resampled pixels.
    """
    size = request.size or (source_HWC.shape[1], source_HWC.shape[0])
    fitted_HWC = stretch(drawn_HWC, size)
    if request.mask_HW is None:
        return fitted_HWC
    return paste_back(fitted_HWC, stretch(source_HWC, size), request.mask_HW)
