"""Times run from noise to picture."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limner.diffusion.schedule import half_log_snr, noised, timesteps
from limner.errors import InvalidRequestError


@pytest.mark.parametrize("shift", [0.1, 1.0, 3.0, 6.93])
@pytest.mark.parametrize("steps", [1, 4, 7, 1000])
def test_times_fall_from_one_to_zero(steps: int, shift: float) -> None:
    """Whatever the shift, the ends are exact and each time is earlier than the last."""
    times = timesteps(steps, shift)
    assert times.shape == (steps + 1,)
    assert (times[0], times[-1]) == (1.0, 0.0)
    assert (np.diff(times) < 0).all()


def test_without_a_shift_times_are_even() -> None:
    """Shift 1 changes nothing."""
    np.testing.assert_allclose(timesteps(4), [1.0, 0.75, 0.5, 0.25, 0.0])


def test_the_shift_is_that_of_sd3() -> None:
    """Shift 3 moves the middle to 3 x 0.5 / (1 + 2 x 0.5) = 0.75."""
    np.testing.assert_allclose(timesteps(2, 3.0), [1.0, 0.75, 0.0])


def test_shifts_compose() -> None:
    """Shifting by a and then by b is shifting by a b: in lambda a shift is a translation by its logarithm."""
    shifted = [half_log_snr(float(t)) for t in timesteps(8, 3.0)[1:-1]]
    even = [half_log_snr(float(t)) for t in timesteps(8)[1:-1]]
    np.testing.assert_allclose(shifted, np.array(even) - math.log(3.0))


@pytest.mark.parametrize(
    ("steps", "shift", "param"), [(0, 1.0, "steps"), (4, 0.0, "shift"), (4, -1, "shift")]
)
def test_impossible_times_are_refused(steps: int, shift: float, param: str) -> None:
    """No steps, or a shift that is not positive, is an error that names the argument."""
    with pytest.raises(InvalidRequestError) as caught:
        timesteps(steps, shift)
    assert caught.value.param == param


def test_a_noisy_picture_lies_on_the_line_between_noise_and_picture() -> None:
    """At time 1 it is the noise, at 0 the picture, at a quarter three quarters of it."""
    clean, eps = np.array([4.0, 0.0], np.float32), np.array([0.0, 8.0], np.float32)
    np.testing.assert_array_equal(noised(clean, eps, 1.0), eps)
    np.testing.assert_array_equal(noised(clean, eps, 0.0), clean)
    np.testing.assert_array_equal(noised(clean, eps, 0.25), [3.0, 2.0])


def test_lambda_has_its_limits() -> None:
    """Pure noise has no signal, the clean picture no noise, the middle as much of each."""
    assert [half_log_snr(t) for t in (1.0, 0.5, 0.0)] == [-math.inf, 0.0, math.inf]
