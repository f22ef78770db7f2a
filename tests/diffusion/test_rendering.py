"""A rendering is one picture's way from noise, a step at a time."""

from __future__ import annotations

import numpy as np
import pytest

from limner.diffusion.noise import noise
from limner.diffusion.rendering import Rendering
from limner.diffusion.schedule import timesteps
from limner.errors import NonFiniteError
from limner.types import SamplerName, TextFeatures

SHAPE = (3, 4, 4)


@pytest.fixture
def rendering(features: TextFeatures) -> Rendering:
    """A picture that will take four steps."""
    return Rendering(seed=3, shape=SHAPE, features=features, times=timesteps(4))


def test_it_starts_from_its_own_noise(rendering: Rendering) -> None:
    """At first x is the noise of the seed, at time 1, and nothing is done."""
    np.testing.assert_array_equal(rendering.x_Chw, noise(3, SHAPE))
    assert (rendering.t, rendering.step, rendering.steps, rendering.done) == (1.0, 0, 4, False)


def test_it_is_done_at_time_zero(rendering: Rendering) -> None:
    """Each step leads to the next time; after the last x is the last estimate."""
    seen = []
    while not rendering.done:
        seen.append((rendering.t, rendering.t_next))
        rendering.advance(noise(rendering.step, SHAPE))
    assert seen == [(1.0, 0.75), (0.75, 0.5), (0.5, 0.25), (0.25, 0.0)]
    assert rendering.t == 0.0
    np.testing.assert_array_equal(rendering.x_Chw, noise(3, SHAPE))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_estimate_that_is_not_a_number_is_refused(rendering: Rendering, value: float) -> None:
    """One bad number stops the picture where it stands."""
    x0 = noise(1, SHAPE)
    x0[1, 2, 3] = value
    with pytest.raises(NonFiniteError, match="step 1 of 4"):
        rendering.advance(x0)
    assert rendering.step == 0


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_interleaved_pictures_do_not_meet(sampler: SamplerName, features: TextFeatures) -> None:
    """Two pictures stepped in turn end as each does alone."""

    def begin(seed: int) -> Rendering:
        return Rendering(
            seed=seed, shape=SHAPE, features=features, times=timesteps(3 + seed), sampler=sampler
        )

    def draw(*pictures: Rendering) -> list[float]:
        while not all(picture.done for picture in pictures):
            for picture in pictures:
                if not picture.done:
                    picture.advance(picture.x_Chw * np.float32(0.5) + np.float32(picture.seed))
        return [float(picture.x_Chw.sum()) for picture in pictures]

    assert draw(begin(1), begin(2)) == draw(begin(1)) + draw(begin(2))
