"""Noise levels: our t in a family's own terms, and the clean picture out of what its network predicts.

Ours is flow time: ``x_t = (1 - t) x0 + t noise``. Families that were trained with a preserved variance see
``a x0 + s noise`` with ``a^2 + s^2 = 1``: the same picture, divided by ``hypot(1 - t, t)``, where
``t = s / (a + s)``. In those terms an Euler step of the flow is a step of DDIM with eta = 0, so that one sampler
serves both.

Axes in names: B batch, C channels, h and w the latent grid, k the noise levels of training; 1 an axis of length 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler
from numpy.typing import NDArray

from limner.errors import InvalidRequestError, ModelError
from limner.types import Floats

__all__ = ["Flow", "Levels", "VariancePreserving", "dynamic_shift"]


class Levels(Protocol):
    """One family's noise levels."""

    def times(self, steps: int) -> NDArray[np.float64]:
        """The family's own times for so many steps, in our t: (steps + 1,), descending, the last one 0."""

    def seen(self, x_BChw: Floats, t_B: Floats) -> tuple[Floats, Floats]:
        """The picture as the network is used to it, and the network's own time (B,)."""

    def clean(self, x_BChw: Floats, t_B: Floats, predicted_BChw: Floats) -> Floats:
        """The estimate of the clean picture from what the network predicts at x."""


class VariancePreserving:
    """The levels of DDPM: Stable Diffusion 1 and 2, SDXL, PixArt.

    Their noisiest level is not pure noise (``s / a`` is 14.6 for Stable Diffusion). Where t is beyond it, x is
    taken to stand at it.

    Args:
        config: the checkpoint's scheduler config; its betas, spacing and prediction type are used, whatever the
            scheduler.

    Raises:
        ModelError: it predicts something else than noise, velocity or the clean picture.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._scheduler = DDIMScheduler.from_config(config)
        kept_k = self._scheduler.alphas_cumprod.double().numpy()
        a_k, s_k = np.sqrt(kept_k), np.sqrt(1.0 - kept_k)
        self._t_k = s_k / (a_k + s_k)
        self._predicts = self._scheduler.config.prediction_type
        if self._predicts not in ("epsilon", "v_prediction", "sample"):
            raise ModelError(
                f"The scheduler predicts {self._predicts!r}, which is unknown: use another checkpoint"
            )

    def times(self, steps: int) -> NDArray[np.float64]:
        """See `Levels`: the scheduler's own spacing of training levels, then 0."""
        try:
            self._scheduler.set_timesteps(steps)
        except ValueError as error:
            raise InvalidRequestError(f"steps are too many for this model: {error}", param="steps") from error
        levels = self._scheduler.timesteps.numpy().astype(int).clip(0, len(self._t_k) - 1)
        return np.append(self._t_k[levels], 0.0)

    def seen(self, x_BChw: Floats, t_B: Floats) -> tuple[Floats, Floats]:
        """See `Levels`: the network's time is the number of the training level, with fractions between two."""
        level_B = np.interp(t_B, self._t_k, np.arange(len(self._t_k)))
        return x_BChw / _wide(np.hypot(1.0 - t_B, t_B)), level_B.astype(np.float32)

    def clean(self, x_BChw: Floats, t_B: Floats, predicted_BChw: Floats) -> Floats:
        """See `Levels`.

        ::

            noise eps:   x0 = (x - s eps) / a
            velocity v:  x0 = a x - s v            v = a eps - s x0

        Source: Song et al. 2021, "Denoising diffusion implicit models", equation 9; Salimans & Ho 2022,
        "Progressive distillation for fast sampling of diffusion models", appendix D.
        """
        if self._predicts == "sample":
            return predicted_BChw
        seen_BChw, _ = self.seen(x_BChw, t_B)
        t_B = np.minimum(t_B.astype(np.float64), self._t_k[-1])
        norm_B = np.hypot(1.0 - t_B, t_B)
        a_B111, s_B111 = _wide((1.0 - t_B) / norm_B), _wide(t_B / norm_B)
        if self._predicts == "epsilon":
            signal_BChw: Floats = seen_BChw - s_B111 * predicted_BChw
            return signal_BChw / a_B111
        return a_B111 * seen_BChw - s_B111 * predicted_BChw


class Flow:
    """Flow matching with straight lines, which is what our t is: SD3, FLUX, Sana, Z-Image, Qwen-Image.

    Args:
        config: the config of the checkpoint's scheduler, Euler's or, as most of Sana's are, DPM-Solver's.
        shift: `mu` of schedulers whose shift depends on the picture's size.
        even: hand the scheduler even times, as FLUX does, instead of its own.
    """

    def __init__(self, config: Mapping[str, Any], *, shift: float | None = None, even: bool = False) -> None:
        self._solver = dict(config) if "flow_shift" in config and config.get("use_flow_sigmas") else None
        self._scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
        self._shift = shift
        self._even = even and not config.get("use_flow_sigmas")

    def times(self, steps: int) -> NDArray[np.float64]:
        """See `Levels`: the scheduler's own."""
        if self._solver is not None:
            return _solver_times(steps, self._solver["flow_shift"], self._solver["num_train_timesteps"])
        even = np.linspace(1.0, 1.0 / steps, steps) if self._even else None
        self._scheduler.set_timesteps(steps, sigmas=even, mu=self._shift)
        times: NDArray[np.float64] = self._scheduler.sigmas.double().numpy()
        return times

    def seen(self, x_BChw: Floats, t_B: Floats) -> tuple[Floats, Floats]:
        """See `Levels`: x as it is; the network counts time in thousandths, DPM-Solver in whole ones."""
        time_B = (1000.0 * t_B).astype(np.float32)
        # t is rounded to float32, which must not make one less of a whole number.
        return x_BChw, time_B if self._solver is None else np.floor(time_B + np.float32(1e-3))

    def clean(self, x_BChw: Floats, t_B: Floats, predicted_BChw: Floats) -> Floats:
        """See `Levels`: ``x0 = x - t v`` with ``v = noise - x0``.

        Source: Esser et al. 2024, "Scaling rectified flow transformers", equation 13.
        """
        return x_BChw - _wide(t_B) * predicted_BChw


def _solver_times(steps: int, shift: float, levels: int) -> NDArray[np.float64]:
    """Even times, shifted, as DPM-Solver of diffusers spaces them for flows: it starts just below 1."""
    even = 1.0 - np.linspace(1.0 / levels, 1.0, steps + 1)
    times: NDArray[np.float64] = shift * even / (1.0 + (shift - 1.0) * even)
    return times


def dynamic_shift(config: Mapping[str, Any], tokens: int, max_shift: float) -> float:
    """`mu` for a picture of so many tokens: a straight line through the scheduler's two points.

    Args:
        config: the scheduler's config.
        tokens: of the picture, as the transformer reads it.
        max_shift: where the config does not say.
    """
    few, many = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", max_shift)
    return float(low + (high - low) * (tokens - few) / (many - few))


def _wide(values_B: NDArray[Any]) -> Floats:
    wide_B111: Floats = values_B.astype(np.float32)[:, None, None, None]
    return wide_B111
