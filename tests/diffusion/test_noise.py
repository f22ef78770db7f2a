"""A picture's noise depends on its seed and on nothing else."""

from __future__ import annotations

import numpy as np

from limner.diffusion.noise import noise, picture_seed
from limner.types import MAX_SEED


def test_the_first_picture_has_the_seed_of_the_request() -> None:
    """Picture 0 keeps the seed, so a reported seed draws its picture again."""
    assert [picture_seed(seed, 0) for seed in (0, 7, MAX_SEED)] == [0, 7, MAX_SEED]


def test_the_other_seeds_are_those_of_splitmix64() -> None:
    """From seed 0 the generator's published first outputs come out, without their lowest bit."""
    published = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)
    assert tuple(picture_seed(0, i) for i in (1, 2, 3)) == tuple(value >> 1 for value in published)


def test_derived_seeds_are_seeds_and_differ() -> None:
    """Every derived seed is in range, and neighbouring requests share none."""
    seeds = [picture_seed(seed, i) for seed in (0, 1, 2, MAX_SEED) for i in range(10)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


def test_the_same_seed_gives_the_same_noise() -> None:
    """The numbers of a seed are fixed for good: these are what seed 7 has always started from."""
    values = noise(7, (2, 2))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, noise(7, (2, 2)))
    np.testing.assert_allclose(values.ravel(), [-0.2933390, 1.7038306, 1.5391918, 0.6367539], rtol=1e-6)


def test_noise_does_not_depend_on_what_was_drawn_before() -> None:
    """Each picture has a generator of its own."""
    alone = noise(5, (3, 8, 8))
    crowd = [noise(seed, (3, 8, 8)) for seed in (3, 4, 5)]
    np.testing.assert_array_equal(crowd[-1], alone)
    assert not np.array_equal(crowd[0], crowd[1])


def test_noise_is_standard_normal() -> None:
    """Mean, variance, skewness and kurtosis are those of N(0, 1), within four standard errors."""
    values = noise(11, (100_000,)).astype(np.float64)
    moments = [float((values**power).mean()) for power in (1, 2, 3, 4)]
    errors = [np.sqrt(variance / values.size) for variance in (1, 2, 15, 96)]
    for moment, expected, error in zip(moments, (0, 1, 0, 3), errors, strict=True):
        assert abs(moment - expected) < 4 * error


def test_neighbouring_seeds_are_unrelated() -> None:
    """The noise of a seed says nothing about the noise of the next."""
    one, other = noise(1, (10_000,)), noise(2, (10_000,))
    assert abs(float(np.corrcoef(one, other)[0, 1])) < 0.04
