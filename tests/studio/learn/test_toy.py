"""The toy is diffusion: an exact denoiser reaches the mixture, and guidance moves what it draws."""

from __future__ import annotations

import numpy as np
import pytest

from limner.diffusion.noise import noise
from limner.diffusion.schedule import noised
from limner.errors import InvalidRequestError
from limner.studio.learn.toy import ANY, SPREAD, WORDS, centres, denoise, play
from limner.studio.learn.toy_drawing import drawn, measured
from limner.types import Floats
from tests.pages import Page

MANY = 3000


def clean(seed: int) -> Floats:
    """(N, 2, 1, 1): points of all words alike, straight from the mixture."""
    words_N = np.arange(MANY) % len(WORDS)
    points_NC = centres()[words_N] + SPREAD * noise(seed, (MANY, 2))
    return np.asarray(points_NC, np.float32)[..., None, None]


@pytest.mark.parametrize("word", WORDS)
def test_points_of_a_word_are_normally_distributed_around_it(word: str) -> None:
    """Mean and covariance are the word's own."""
    points_NC = play(word=word, steps=80, seed=1, points=MANY).points_SNC[-1]
    np.testing.assert_allclose(points_NC.mean(axis=0), centres()[WORDS.index(word)], atol=0.035)
    np.testing.assert_allclose(np.cov(points_NC.T), SPREAD**2 * np.eye(2), atol=0.015)


def test_points_of_any_word_have_the_mixtures_mean_and_covariance() -> None:
    """All words together are reached in their right proportions."""
    points_NC = play(steps=80, seed=2, points=MANY).points_SNC[-1]
    expected_CC = SPREAD**2 * np.eye(2) + np.cov(centres().T, bias=True)
    np.testing.assert_allclose(points_NC.mean(axis=0), centres().mean(axis=0), atol=0.04)
    np.testing.assert_allclose(np.cov(points_NC.T), expected_CC, atol=0.04)


@pytest.mark.parametrize("t", [0.2, 0.5, 0.8])
def test_no_other_answer_has_a_smaller_error(t: float) -> None:
    """The denoiser is the mean of the clean points: moved or stretched, its squared error only grows."""
    x0_NC11 = clean(3)
    x_NC11 = noised(x0_NC11, noise(4, (MANY, 2, 1, 1)), t)
    answer_NC11 = denoise(x_NC11, t, ANY)
    best = ((answer_NC11 - x0_NC11) ** 2).mean()
    for other_NC11 in (0.9 * answer_NC11, 1.1 * answer_NC11, answer_NC11 + 0.05, x_NC11):
        assert ((other_NC11 - x0_NC11) ** 2).mean() > best


def test_one_step_gives_everybody_the_same_mean() -> None:
    """From nothing but noise the best guess is the mean of all, a blur."""
    points_NC = play(steps=1).points_SNC[-1]
    np.testing.assert_allclose(points_NC, np.tile(centres().mean(axis=0), (len(points_NC), 1)), atol=1e-6)


def test_more_steps_come_nearer_to_the_spread_of_the_word() -> None:
    """A few steps make too narrow a cloud."""
    spreads = [measured(play(word="cat", steps=steps, points=MANY))["deviation"] for steps in (2, 8, 50)]
    assert spreads == sorted(spreads)
    assert spreads[-1] == pytest.approx(SPREAD, rel=0.05)


def test_guidance_leads_away_from_the_other_words() -> None:
    """The more of it, the farther the points are from the words that were not asked for."""
    others_KC = np.delete(centres(), WORDS.index("cat"), axis=0)

    def distance(guidance: float) -> float:
        points_NC = play(word="cat", guidance=guidance, points=MANY).points_SNC[-1]
        return float(np.sqrt(((points_NC[:, None] - others_KC) ** 2).sum(axis=2)).min(axis=1).mean())

    assert distance(1.0) < distance(3.0) < distance(6.0)


def test_guidance_gives_more_points_to_their_own_word() -> None:
    """Some of a word's points lie nearer to another word; guidance leaves fewer there."""
    own = [measured(play(word="cat", guidance=guidance, points=MANY))["own"] for guidance in (1.0, 4.0)]
    assert own[0] < own[1]


def test_guidance_does_nothing_where_no_word_is_asked_for() -> None:
    """There is nothing to lead away from."""
    np.testing.assert_array_equal(play(guidance=1.0).points_SNC, play(guidance=5.0).points_SNC)


def test_the_seed_decides() -> None:
    """The same seed gives the same points, another one others."""
    np.testing.assert_array_equal(play(seed=3).points_SNC, play(seed=3).points_SNC)
    assert np.abs(play(seed=3).points_SNC[0] - play(seed=4).points_SNC[0]).max() > 0.1


def test_it_starts_from_limners_own_noise() -> None:
    """The first moment is the noise of that seed, untouched."""
    np.testing.assert_array_equal(play(seed=7, points=5).points_SNC[0], noise(7, (5, 2, 1, 1))[..., 0, 0])


def test_no_steps_are_refused() -> None:
    """By name, as for pictures."""
    with pytest.raises(InvalidRequestError, match="steps"):
        play(steps=0)


@pytest.mark.parametrize(("steps", "moments"), [(1, 2), (3, 4), (20, 5)])
def test_the_drawing_shows_moments_from_first_to_last(steps: int, moments: int) -> None:
    """Five of them, or all where there are fewer, and the paths."""
    page = Page(drawn(play(steps=steps, word="boat")))
    labels = [str(svg["aria-label"]) for svg in page.all("svg")]
    assert page.faults == []
    assert len(labels) == moments + 1
    assert labels[0].startswith("Step 0, t 1.00")
    assert labels[moments - 1].startswith(f"Step {steps}, t 0.00")
