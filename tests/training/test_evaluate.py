"""`limner.training.evaluate`: what is drawn for the trace, and the trace's words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from limner.diffusion.noise import noise
from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.training.cache import CaptionStates
from limner.training.evaluate import SamplingConfig, draw, observe, through_a_file
from limner.training.examination import Verdict

SHAPES = DenoiserConfig(channels=3, grid=2, width=16, layers=1, heads=2, text_width=8, vector=4)
CONFIG = SamplingConfig(steps=3)


def tiny() -> Denoiser:
    """A denoiser with random weights everywhere."""
    torch.manual_seed(0)
    model = Denoiser(SHAPES)
    for layer in (model.modulate, model.head):
        nn.init.normal_(layer.weight, std=0.3)
    return model.eval()


def states(count: int = 5, seed: int = 0) -> CaptionStates:
    """Captions of one to four random tokens."""
    random = np.random.default_rng(seed)
    start_M = np.concatenate([[0], np.cumsum(1 + np.arange(count) % 4)])
    return CaptionStates(
        states_ND=random.normal(size=(start_M[-1], 8)).astype(np.float16),
        vectors_MV=random.normal(size=(count, 4)).astype(np.float16),
        start_M=start_M,
    )


class Knowing(Denoiser):
    """A denoiser that knows the one picture there is."""

    def forward(self, x_BChw: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
        """That picture, whatever is asked."""
        return torch.full_like(x_BChw, 0.25), torch.zeros(())


@pytest.mark.parametrize("batch", [1, 2, 5, 50])
def test_a_picture_does_not_depend_on_the_batch(batch: int) -> None:
    """Drawn one by one or all at once, each caption's picture is the same."""
    drawn = draw(tiny(), states(), 5, CONFIG, batch)
    assert drawn.shape == (5, 3, 2, 2)
    torch.testing.assert_close(drawn, draw(tiny(), states(), 5, CONFIG), rtol=1e-4, atol=1e-4)


def test_fewer_pictures_are_the_first_ones() -> None:
    """A count below the number of captions draws the first of them, as they are among more."""
    torch.testing.assert_close(
        draw(tiny(), states(), 2, CONFIG), draw(tiny(), states(), 5, CONFIG)[:2], rtol=1e-4, atol=1e-4
    )


def test_the_last_step_ends_at_the_estimate() -> None:
    """Who knows the picture draws it, in any number of steps."""
    for steps in (1, 4):
        drawn = draw(Knowing(SHAPES), states(), 2, SamplingConfig(steps=steps))
        assert torch.equal(drawn, torch.full((2, 3, 2, 2), 0.25))


def test_one_step_is_the_guided_estimate_from_the_seeds_noise() -> None:
    """Picture k starts from seed k's noise; guidance goes from no prompt past the prompt, as in CFG."""
    model, captions = tiny(), states()
    x = torch.from_numpy(np.stack([noise(row, (3, 2, 2)) for row in range(5)]))
    condition = captions.batch(range(5), captions.longest)
    nothing = torch.zeros_like(condition[0]), torch.zeros_like(condition[1]), torch.zeros_like(condition[2])
    with_it, without = (model(x, torch.ones(5), *c)[0].detach() for c in (condition, nothing))
    drawn = draw(model, captions, 5, SamplingConfig(steps=1, guidance=3.0))
    torch.testing.assert_close(drawn, without + 3 * (with_it - without), rtol=1e-4, atol=1e-4)


def test_without_guidance_captions_do_not_matter() -> None:
    """At guidance 0 the picture of no prompt is drawn."""
    one, other = (draw(tiny(), states(seed=s), 3, SamplingConfig(steps=2, guidance=0)) for s in (0, 1))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_pixels_are_judged_as_a_file_shows_them() -> None:
    """All 256 levels pass unchanged; between them is rounded, beyond them clipped."""
    levels = torch.arange(256) / 127.5 - 1
    torch.testing.assert_close(through_a_file(levels), levels)
    torch.testing.assert_close(through_a_file(levels + 0.003), levels)
    assert through_a_file(torch.tensor([-9.0, 9.0])).tolist() == [-1, 1]


def test_an_observation_tells_what_can_be_seen_best_first() -> None:
    """What is nearly always told right, what mostly, what is guessed: kinds in words, with their shares."""
    shares = {"thing": 0.5, "place": 0.97, "colour": 0.8, "condition": 1.0, "swap": 0.79}
    assert observe(Verdict(loss=1, accuracy=0.5, by_kind=shares)) == (
        "right: light and weather 1.00, places 0.97; mostly right: colours 0.80; "
        "still guessed: which is which 0.79, things 0.50"
    )


def test_a_grade_that_nothing_has_is_not_told() -> None:
    """If all is guessed, only that is said."""
    verdict = Verdict(loss=2.3, accuracy=0.1, by_kind={"count": 0.5})
    assert observe(verdict) == "still guessed: counts 0.50"
