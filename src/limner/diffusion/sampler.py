"""Samplers: from noise to picture along the flow, one network pass a step.

A sampler is told, step by step, where the picture stands, how the network sees it clean, and from when to
when to move it. It holds at most what its own next step needs, so a loop can interleave any pictures.

Axes in names: C channels, h and w the latent grid.
"""

from __future__ import annotations

from typing import Protocol

from limner.diffusion.schedule import half_log_snr
from limner.types import Floats, SamplerName

__all__ = ["DpmSolverPlusPlus2M", "Euler", "Sampler", "new_sampler"]


class Sampler(Protocol):
    """One picture's way of getting from each time to the next."""

    def step(self, x_Chw: Floats, x0_Chw: Floats, t: float, t_next: float) -> Floats:
        """The picture at t_next < t, from the picture x at t and the estimate x0 of the clean one."""


class Euler:
    """First order: follow the straight line to the estimate. Holds no state."""

    def step(self, x_Chw: Floats, x0_Chw: Floats, t: float, t_next: float) -> Floats:
        """One Euler step of the flow ``dx/dt = (x - x0) / t``.

        ::

            x' = x + (t' - t) (x - x0) / t = r x + (1 - r) x0        r = t' / t

        Exact if the estimate does not change. At t' = 0 it gives x0 to the bit.

        Source: Liu et al. 2023, "Flow straight and fast", section 2, with v = (x - x0) / t.
        """
        return _towards(x0_Chw, x_Chw, t_next / t)


class DpmSolverPlusPlus2M:
    """Second order, multistep: the estimate's trend since the last step is carried on to this one."""

    def __init__(self) -> None:
        self._last_x0_Chw: Floats | None = None
        self._last_t = 1.0

    def step(self, x_Chw: Floats, x0_Chw: Floats, t: float, t_next: float) -> Floats:
        """One step of DPM-Solver++(2M), data prediction.

        With alpha = 1 - t, sigma = t and lambda = log(alpha / sigma)::

            x' = (sigma' / sigma) x - alpha' (exp(-h) - 1) D             h  = lambda' - lambda
            D  = x0 + (x0 - x0_last) / (2 h_last / h)                    h_last = lambda - lambda_last

        In flow time ``-alpha' (exp(-h) - 1)`` is ``1 - t' / t``: this is Euler's step with D for x0.
        The limits: the step after t = 1 has h_last infinite, hence D = x0; the step to t' = 0 has h
        infinite, where the extrapolation has no limit, and is taken to first order as the authors do.

        Source: Lu et al. 2022, "DPM-Solver++", algorithm 2 and section 5.
        """
        target_Chw = x0_Chw
        if self._last_x0_Chw is not None and t_next > 0.0:
            trend = _trend(self._last_t, t, t_next)
            target_Chw = x0_Chw + trend * (x0_Chw - self._last_x0_Chw)
        self._last_x0_Chw, self._last_t = x0_Chw, t
        return _towards(target_Chw, x_Chw, t_next / t)


def _towards(target_Chw: Floats, x_Chw: Floats, ratio: float) -> Floats:
    return ratio * x_Chw + (1.0 - ratio) * target_Chw


def _trend(t_last: float, t: float, t_next: float) -> float:
    h_last = half_log_snr(t) - half_log_snr(t_last)
    h = half_log_snr(t_next) - half_log_snr(t)
    return h / (2.0 * h_last)


def new_sampler(name: SamplerName) -> Sampler:
    """A fresh sampler, with no steps behind it, for one picture."""
    return Euler() if name == "euler" else DpmSolverPlusPlus2M()
