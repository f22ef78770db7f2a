"""Time in flow matching: t = 1 is pure noise, t = 0 the clean picture, straight lines between.

Every noisy picture is ``x_t = alpha x0 + sigma noise`` with ``alpha = 1 - t`` and ``sigma = t``.

Sources: Lipman et al. 2023, "Flow matching for generative modeling" (its time runs the other way);
Liu et al. 2023, "Flow straight and fast" (rectified flow); Esser et al. 2024, "Scaling rectified flow
transformers for high-resolution image synthesis" (SD3), whose direction of time this is.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from limner.errors import InvalidRequestError
from limner.types import Floats

__all__ = ["half_log_snr", "noised", "timesteps"]


def timesteps(steps: int, shift: float = 1.0) -> NDArray[np.float64]:
    """The times at which a picture is looked at, and the end: (steps + 1,), from exactly 1 to exactly 0.

    Even spacing, then the timestep shift, which spends more of the steps near the noise::

        t' = shift t / (1 + (shift - 1) t)

    Args:
        steps: how many denoising steps, at least 1.
        shift: 1 leaves the spacing even; models for larger pictures like more.

    Raises:
        InvalidRequestError: no steps, or a shift that is not positive.

    Source: Esser et al. 2024, equation 23, with shift = sqrt(m / n).
    """
    if steps < 1:
        raise InvalidRequestError(f"steps must be at least 1, not {steps}", param="steps")
    if not shift > 0:
        raise InvalidRequestError(f"shift must be above 0, not {shift}", param="shift")
    t = np.linspace(1.0, 0.0, steps + 1)
    # 1 + (shift - 1) t in this form is exact at both ends, whatever the shift.
    return shift * t / (shift * t + (1.0 - t))


def noised(x0: Floats, noise: Floats, t: float) -> Floats:
    """The noisy picture at time t: ``x_t = (1 - t) x0 + t noise``.

    Source: Liu et al. 2023, section 2; Esser et al. 2024, equation 13.
    """
    return (1.0 - t) * x0 + t * noise


def half_log_snr(t: float) -> float:
    """``lambda = log(alpha / sigma) = log((1 - t) / t)``: minus infinity at pure noise, infinity at the end.

    Source: Lu et al. 2022, "DPM-Solver", section 2.2.
    """
    if t >= 1.0:
        return -math.inf
    return math.log((1.0 - t) / t) if t > 0.0 else math.inf
