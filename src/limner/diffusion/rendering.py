"""One picture on its way from noise: everything that is its own, whoever is drawn beside it.

Axes in names: C channels, h and w the latent grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from limner.diffusion.inpaint import KnownRegion, replace_known
from limner.diffusion.noise import noise
from limner.diffusion.sampler import new_sampler
from limner.diffusion.schedule import noised
from limner.errors import NonFiniteError
from limner.types import Floats, SamplerName, TextFeatures

__all__ = ["Rendering"]


class Rendering:
    """One picture being drawn, a step at a time.

    Whoever drives it asks an engine for the clean picture as seen from `x_Chw` at time `t`, hands that to
    `advance`, and goes on until `done`. Pictures at different times, with different samplers, may share
    one engine call: nothing in here depends on the others.

    Attributes:
        seed: the seed that draws this picture alone.
        features: its prompt, encoded.
        guidance: its classifier-free guidance scale.
        times: (steps + 1,) its times, from 1, or less for what starts from a picture, to 0.
        known: the region that is given rather than drawn, or None.
        x_Chw: (C, h, w) the picture as it stands at time `t`.
        step: how many steps have been made.
        unwanted: says whether anyone still waits for it; whoever makes many steps in one go looks in between.
    """

    def __init__(
        self,
        *,
        seed: int,
        shape: tuple[int, int, int],
        features: TextFeatures,
        times: NDArray[np.float64],
        guidance: float = 1.0,
        sampler: SamplerName = "euler",
        known: KnownRegion | None = None,
        source_Chw: Floats | None = None,
    ) -> None:
        self.seed = seed
        self.features = features
        self.guidance = guidance
        self.times = times
        self.known = known
        fresh_Chw = noise(seed, shape)
        t = self.t_first
        if source_Chw is None:
            # A model whose noisiest level is not pure noise starts below 1, where pictures have this deviation.
            self.x_Chw: Floats = math.hypot(1.0 - t, t) * fresh_Chw
        else:
            # So does what starts from a picture (Meng et al. 2022, "SDEdit").
            self.x_Chw = noised(source_Chw, fresh_Chw, t)
        self.step = 0
        self.unwanted: Callable[[], bool] = _never
        self._sampler = new_sampler(sampler)

    @property
    def t_first(self) -> float:
        """The time at which the picture started."""
        return float(self.times[0])

    @property
    def steps(self) -> int:
        """How many steps it takes in all."""
        return len(self.times) - 1

    @property
    def t(self) -> float:
        """The time at which the picture stands: 1 is pure noise, 0 is clean."""
        return float(self.times[self.step])

    @property
    def t_next(self) -> float:
        """The time to which the next step leads."""
        return float(self.times[self.step + 1])

    @property
    def done(self) -> bool:
        """All steps are made: `x_Chw` is the clean picture."""
        return self.step == self.steps

    def advance(self, x0_Chw: Floats) -> None:
        """Make one step towards the engine's estimate of the clean picture.

        Args:
            x0_Chw: (C, h, w) the estimate, guidance applied.

        Raises:
            NonFiniteError: the estimate holds NaN or infinity; the picture stays where it was.
        """
        if not np.isfinite(x0_Chw).all():
            raise NonFiniteError(
                f"The engine put out NaN or infinity at step {self.step + 1} of {self.steps}. "
                "Check the model's files, or lower guidance, or choose precision f32."
            )
        if self.known is not None:
            x0_Chw = replace_known(x0_Chw, self.known)
        self.x_Chw = self._sampler.step(self.x_Chw, x0_Chw, self.t, self.t_next)
        self.step += 1

    def finish(self, x0_Chw: Floats) -> None:
        """All steps were made elsewhere, with this clean picture as the end."""
        self.x_Chw = x0_Chw
        self.step = self.steps


def _never() -> bool:
    return False
