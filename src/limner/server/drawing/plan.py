"""A call becomes what the pipeline draws.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from limner.engines.base import Capabilities
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.errors import refuse
from limner.types import MAX_SIDE, MAX_STEPS, MIN_SIDE, ImageRequest, Pixels

__all__ = ["MAX_PIXELS", "QUALITY_STEPS", "plan", "resolved_quality", "steps_of"]

MAX_PIXELS = 10 * 8_294_400
"""All pictures of a request together: ten of OpenAI's largest, which take 250 MB until they are files."""

QUALITY_STEPS: Mapping[str, float] = MappingProxyType(
    {"low": 0.5, "medium": 1, "high": 2, "xhigh": 3, "max": 4}
)
"""How many times the model's own number of steps each quality makes."""

_RESOLVED = {"auto": "medium", "standard": "medium", "hd": "high"}
_FAITHFUL = 0.3
# JavaScript reads larger numbers wrongly, and the first picture's seed is the request's.
_SEED_BITS = 53


def resolved_quality(quality: str) -> str:
    """One of the keys of `QUALITY_STEPS`, whatever a family calls it."""
    return _RESOLVED.get(quality, quality)


def plan(
    call: Call,
    able: Capabilities,
    picture_HWC: Pixels | None = None,
    mask_HW: NDArray[np.bool_] | None = None,
) -> ImageRequest:
    """What is to be drawn.

    Args:
        call: what was asked for.
        able: what the engine does by default.
        picture_HWC: the call's picture, read.
        mask_HW: True where it is to be drawn anew; None is everywhere.

    Raises:
        InvalidRequestError: the pipeline cannot draw that; `param` names its own field.
        ApiError: a negative prompt without guidance, or too many pixels.
    """
    guidance = able.default_guidance if call.guidance_scale is None else call.guidance_scale
    if call.negative_prompt and guidance <= 1:
        message = "negative_prompt needs guidance to lead away from it: send a guidance_scale above 1."
        refuse(message, "invalid_value", "negative_prompt")
    size = _size(call, able, picture_HWC)
    _check_pixels(call.n, size)
    return ImageRequest(
        prompt=call.prompt,
        n=call.n,
        seed=secrets.randbits(_SEED_BITS) if call.seed is None else call.seed,
        size=size,
        steps=_steps(call, able),
        guidance=call.guidance_scale,
        negative_prompt=call.negative_prompt,
        image_HWC=picture_HWC,
        mask_HW=mask_HW,
        strength=_strength(call, mask_HW),
    )


def _check_pixels(n: int, size: tuple[int, int]) -> None:
    width, height = size
    most = MAX_PIXELS // (width * height)
    if n > most:
        refuse(
            f"Invalid 'n': {n} pictures of {width}x{height} have more than {MAX_PIXELS:,} pixels together. "
            f"Expected a value <= {most} at this size, or a smaller size.",
            "invalid_value",
            "n",
        )


def _steps(call: Call, able: Capabilities) -> int | None:
    if call.steps is not None or call.route == Route.VARIATIONS:
        return call.steps
    return steps_of(call.quality, able)


def steps_of(quality: str, able: Capabilities) -> int:
    """How many denoising steps a quality makes."""
    times = QUALITY_STEPS[resolved_quality(quality)]
    return min(MAX_STEPS, max(1, round(able.default_steps * times)))


def _size(call: Call, able: Capabilities, picture_HWC: Pixels | None) -> tuple[int, int]:
    if call.size is not None:
        return call.size
    if picture_HWC is None:
        return able.picture_size
    height, width = picture_HWC.shape[:2]
    scale = min(1.0, MAX_SIDE / max(width, height))
    return _within(width * scale), _within(height * scale)


def _within(side: float) -> int:
    return max(MIN_SIDE, round(side))


def _strength(call: Call, mask_HW: NDArray[np.bool_] | None) -> float | None:
    if call.strength is not None or call.input_fidelity != "high" or mask_HW is not None:
        return call.strength
    return _FAITHFUL
