"""Samplers arrive, and at the speed that their order promises."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from limner.diffusion.noise import noise
from limner.diffusion.sampler import Euler, new_sampler
from limner.diffusion.schedule import noised, timesteps
from limner.types import Floats, SamplerName

SAMPLERS: tuple[SamplerName, ...] = ("euler", "dpmpp_2m")
MEAN, SPREAD = 0.3, 0.5


def gaussian_estimate(x: Floats, t: float) -> Floats:
    """The exact E[x0 | x] where x0 ~ N(MEAN, SPREAD^2)."""
    gain = (1 - t) * SPREAD**2 / ((1 - t) ** 2 * SPREAD**2 + t**2)
    return (1 - gain * (1 - t)) * np.float32(MEAN) + gain * x


def gaussian_path(start: Floats, t: float) -> Floats:
    """The exact flow: distances from the mean shrink as the standard deviation does."""
    deviation = np.sqrt((1 - t) ** 2 * SPREAD**2 + t**2)
    return np.float32((1 - t) * MEAN) + np.float32(deviation) * start


def worst_error(name: SamplerName, times: NDArray[np.float64]) -> float:
    """How far the sampler ends from the exact flow, from the first to the last of the times."""
    sampler, start = new_sampler(name), noise(1, (3, 4, 4))
    x = gaussian_path(start, float(times[0]))
    for t, t_next in itertools.pairwise(times.tolist()):
        x = sampler.step(x, gaussian_estimate(x, t), t, t_next)
    return float(np.abs(x - gaussian_path(start, float(times[-1]))).max())


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 5, 50])
def test_a_constant_estimate_is_reached_exactly(name: SamplerName, steps: int) -> None:
    """If the engine always sees the same picture, that very picture comes out, in any number of steps."""
    sampler, x, x0 = new_sampler(name), noise(1, (3, 8, 8)), noise(2, (3, 8, 8))
    for t, t_next in itertools.pairwise(timesteps(steps).tolist()):
        x = sampler.step(x, x0, t, t_next)
    np.testing.assert_array_equal(x, x0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_constant_estimate_is_approached_in_a_straight_line(name: SamplerName) -> None:
    """On the way there x is (1 - t) x0 + t noise at every time."""
    sampler, eps, x0 = new_sampler(name), noise(1, (3, 8, 8)), noise(2, (3, 8, 8))
    x = eps
    for t, t_next in itertools.pairwise(timesteps(7, 3.0).tolist()):
        x = sampler.step(x, x0, t, t_next)
        np.testing.assert_allclose(x, noised(x0, eps, t_next), atol=1e-6)


@pytest.mark.parametrize(("name", "factor"), [("euler", 2.0), ("dpmpp_2m", 4.0)])
def test_the_error_falls_with_the_order(name: SamplerName, factor: float) -> None:
    """Between the ends, twice the steps leave half of Euler's error and a quarter of 2M's."""
    errors = [worst_error(name, np.linspace(0.9, 0.1, steps + 1)) for steps in (16, 32, 64)]
    for coarse, fine in itertools.pairwise(errors):
        assert coarse / fine == pytest.approx(factor, rel=0.15)


@pytest.mark.parametrize(("name", "order"), [("euler", 1.0), ("dpmpp_2m", 2.0)])
def test_the_ends_cost_no_order(name: SamplerName, order: float) -> None:
    """From noise to picture the order holds too, but for a logarithm that 2M pays where lambda has no end."""
    coarse, fine = worst_error(name, timesteps(64)), worst_error(name, timesteps(512))
    assert np.log2(coarse / fine) / 3 == pytest.approx(order, abs=0.3)


def test_the_second_order_pays() -> None:
    """At twenty steps 2M ends at least five times nearer to the exact flow than Euler."""
    assert 5 * worst_error("dpmpp_2m", timesteps(20)) < worst_error("euler", timesteps(20))


def test_the_first_two_steps_of_2m_are_eulers() -> None:
    """Its limits at t = 1: with no step behind, and with one of infinite length behind, there is no trend."""
    x, first, second = (noise(seed, (3, 4, 4)) for seed in (1, 2, 3))
    sampler, euler = new_sampler("dpmpp_2m"), Euler()
    one = sampler.step(x, first, 1.0, 0.75)
    np.testing.assert_array_equal(one, euler.step(x, first, 1.0, 0.75))
    np.testing.assert_array_equal(sampler.step(one, second, 0.75, 0.5), euler.step(one, second, 0.75, 0.5))


def test_2m_agrees_with_the_equation_as_published() -> None:
    """A step in the middle equals algorithm 2 written with its exponentials."""
    x, first, second = (noise(seed, (3, 4, 4)) for seed in (1, 2, 3))
    sampler, (t0, t1, t2) = new_sampler("dpmpp_2m"), (0.8, 0.6, 0.3)
    x1 = sampler.step(x, first, t0, t1)
    lambdas = [np.log((1 - t) / t) for t in (t0, t1, t2)]
    h, ratio = lambdas[2] - lambdas[1], (lambdas[1] - lambdas[0]) / (lambdas[2] - lambdas[1])
    trend = (1 + 1 / (2 * ratio)) * second - 1 / (2 * ratio) * first
    expected = t2 / t1 * x1 - (1 - t2) * (np.exp(-h) - 1) * trend
    np.testing.assert_allclose(sampler.step(x1, second, t1, t2), expected, atol=1e-5)
