"""What is known of a picture stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from limner.diffusion.inpaint import KnownRegion, replace_known
from limner.diffusion.noise import noise
from limner.diffusion.rendering import Rendering
from limner.diffusion.schedule import noised, timesteps
from limner.types import SamplerName, TextFeatures

SHAPE = (3, 8, 8)


def left_half_known() -> KnownRegion:
    """A picture of which the left half is known."""
    mask_1hw = np.zeros((1, 8, 8), np.float32)
    mask_1hw[:, :, :4] = 1.0
    return KnownRegion(known_Chw=noise(9, SHAPE), mask_1hw=mask_1hw)


def test_only_the_known_region_is_replaced() -> None:
    """Inside the mask the known picture stands, outside the estimate, both to the bit."""
    region, estimate = left_half_known(), noise(1, SHAPE)
    replaced = replace_known(estimate, region)
    np.testing.assert_array_equal(replaced[:, :, :4], region.known_Chw[:, :, :4])
    np.testing.assert_array_equal(replaced[:, :, 4:], estimate[:, :, 4:])


def test_the_estimate_itself_is_not_changed() -> None:
    """The rule is a function: it writes into nothing that it is given."""
    region, estimate = left_half_known(), noise(1, SHAPE)
    replace_known(estimate, region)
    np.testing.assert_array_equal(estimate, noise(1, SHAPE))


def test_a_soft_mask_mixes() -> None:
    """At a mask of a half, half of each."""
    half = KnownRegion(known_Chw=np.full(SHAPE, 2, np.float32), mask_1hw=np.full((1, 8, 8), 0.5, np.float32))
    np.testing.assert_array_equal(replace_known(np.zeros(SHAPE, np.float32), half), np.ones(SHAPE))


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_the_known_region_keeps_its_line_and_arrives_exactly(
    sampler: SamplerName, features: TextFeatures
) -> None:
    """On the way it is (1 - t) known + t noise whatever the engine says, and at the end it is `known`."""
    region = left_half_known()
    rendering = Rendering(
        seed=4, shape=SHAPE, features=features, times=timesteps(6), sampler=sampler, known=region
    )
    while not rendering.done:
        rendering.advance(noise(rendering.step, SHAPE))
        expected = noised(region.known_Chw, noise(4, SHAPE), rendering.t)
        np.testing.assert_allclose(rendering.x_Chw[:, :, :4], expected[:, :, :4], atol=1e-5)
    np.testing.assert_array_equal(rendering.x_Chw[:, :, :4], region.known_Chw[:, :, :4])
