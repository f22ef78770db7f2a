"""Guidance weighs two estimates."""

from __future__ import annotations

import numpy as np

from limner.diffusion.guidance import guide
from limner.diffusion.noise import noise
from limner.diffusion.schedule import noised

SHAPE = (3, 2, 4, 4)


def test_guidance_of_one_is_no_guidance() -> None:
    """At scale 1 the estimate with the prompt comes back to the bit."""
    with_prompt, without = noise(1, SHAPE), noise(2, SHAPE)
    np.testing.assert_array_equal(guide(with_prompt, without, np.ones(3, np.float32)), with_prompt)


def test_each_picture_has_its_own_scale() -> None:
    """Scale g gives g times the prompted estimate less g - 1 times the other, picture by picture."""
    with_prompt, without = noise(1, SHAPE), noise(2, SHAPE)
    scale = np.array([1.0, 3.0, 7.5], np.float32)
    guided = guide(with_prompt, without, scale)
    assert guided.dtype == np.float32
    for i, g in enumerate(scale):
        expected = g * with_prompt[i] - (g - 1) * without[i]
        np.testing.assert_allclose(guided[i], expected, rtol=1e-4, atol=1e-4)


def test_guiding_estimates_is_guiding_noise() -> None:
    """Equation 6 on noise estimates and this on clean ones give the same clean picture."""
    eps_with, eps_without, x = noise(1, (1, 2, 4, 4)), noise(2, (1, 2, 4, 4)), noise(3, (1, 2, 4, 4))
    # At t = 1/2, x = (x0 + eps) / 2.
    with_prompt, without = 2 * x - eps_with, 2 * x - eps_without
    guided_x0 = guide(with_prompt, without, np.array([3.0], np.float32))
    guided_eps = guide(eps_with, eps_without, np.array([3.0], np.float32))
    np.testing.assert_allclose(noised(guided_x0, guided_eps, 0.5), x, atol=1e-4)
