"""`limner.training.flow`: where the training looks, and what its loss counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.training.flow import FlowConfig, error_weight, flow_loss, sample_known, sample_times

CONFIG = DenoiserConfig(channels=3, grid=4, width=16, layers=2, heads=2, text_width=8, vector=4)
DEVIATION = torch.tensor([0.5, 1.0, 3.0])


class Knowing(Denoiser):
    """A denoiser that knows the clean picture, but for a mistake in F."""

    def __init__(self, x0_BChw: Tensor, mistake_C: Tensor) -> None:
        super().__init__(CONFIG)
        self.deviation.copy_(DEVIATION)
        self.x0_BChw, self.mistake_C = x0_BChw, mistake_C

    def output(self, x_BChw: Tensor, t_B: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor, Tensor]:
        """The right answer, and the mistake added to each channel."""
        skip, out, into = (factor[..., None, None] for factor in self.preconditioning(t_B))
        target = (self.x0_BChw - skip * x_BChw / into) / out
        return target + self.mistake_C[:, None, None], torch.zeros(()), torch.zeros(())


def pictures(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Clean latents of the stated deviations, noise, and times."""
    torch.manual_seed(0)
    x0 = torch.randn(count, 3, 4, 4) * DEVIATION[:, None, None]
    return x0, torch.randn(count, 3, 4, 4), torch.rand(count) * 0.9 + 0.05


def no_prompt(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two tokens of padding for each picture."""
    return torch.zeros(count, 2, 8), torch.zeros(count, 2, dtype=torch.bool), torch.zeros(count, 4)


def test_times_are_logit_normal() -> None:
    """All lie between 0 and 1; their logits have the stated mean and deviation."""
    t = sample_times(20_000, FlowConfig(time_mean=0.8, time_deviation=1.2), torch.Generator().manual_seed(0))
    assert 0 < t.min() < t.max() < 1
    assert t.logit().mean().item() == pytest.approx(0.8, abs=0.03)
    assert t.logit().std().item() == pytest.approx(1.2, abs=0.03)


def test_times_are_the_generators() -> None:
    """The same generator gives the same times, another one others."""
    one, same, other = (sample_times(5, FlowConfig(), torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_who_knows_the_answer_has_no_loss() -> None:
    """The target is reached exactly by the estimate that is the clean picture."""
    x0, noise, t = pictures(5)
    loss, _ = flow_loss(Knowing(x0, torch.zeros(3)), x0, noise, t, no_prompt(5))
    torch.testing.assert_close(loss, torch.zeros(5), rtol=0, atol=1e-8)


def test_channels_count_by_their_deviation() -> None:
    """The same mistake costs six times as much in a channel that varies six times as much."""
    x0, noise, t = pictures(1)
    costs = torch.cat(
        [flow_loss(Knowing(x0, mistake), x0, noise, t, no_prompt(1))[0] for mistake in torch.eye(3)]
    )
    torch.testing.assert_close(costs, DEVIATION / DEVIATION.sum(), rtol=1e-3, atol=0)


def test_untrained_the_loss_is_one_at_every_time() -> None:
    """F's target has unit variance: no time counts for more than another."""
    model = Denoiser(CONFIG)
    model.deviation.copy_(DEVIATION)
    x0, noise, _ = pictures(800)
    for t in (0.05, 0.5, 0.95):
        loss, _ = flow_loss(model, x0, noise, torch.full((800,), t), no_prompt(800))
        assert loss.mean().item() == pytest.approx(1, abs=0.03)


def test_cells_count_by_their_weight() -> None:
    """The losses of two halves of a picture, weighted 0 and 1, add up to the loss of the whole."""
    model = Denoiser(CONFIG)
    x0, noise, t = pictures(2)
    left = torch.zeros(2, 1, 4, 4)
    left[..., :2] = 1
    whole, one, other = (flow_loss(model, x0, noise, t, no_prompt(2), w)[0] for w in (None, left, 1 - left))
    assert (one > 0).all()
    torch.testing.assert_close(one + other, whole)


def test_without_the_skip_errors_count_by_those_of_the_best_linear_estimate() -> None:
    """In proportion where that is far off, and never as if it were nearer than a tenth of the deviation."""
    model = Denoiser(replace(CONFIG, skips=False))
    model.deviation.copy_(DEVIATION)
    t = torch.tensor([1e-4, 0.5, 1.0])
    relative = model.linear(t)[1] / DEVIATION
    share = DEVIATION / DEVIATION.mean()
    torch.testing.assert_close(error_weight(model, t), share / (relative**2 + 0.01))
    torch.testing.assert_close(error_weight(model, t)[0], 100 * share, rtol=1e-3, atol=0)


def test_known_is_all_around_a_rectangle_or_nothing() -> None:
    """As many pictures as asked have a rectangle that is to be drawn; of the others nothing is known."""
    masks = sample_known((4_000, 1, 4, 6), FlowConfig(inpainted=0.25), torch.Generator().manual_seed(0))
    assert masks.shape == (4_000, 1, 4, 6)
    drawn = masks[:, 0] == 0
    rows, columns = drawn.any(2), drawn.any(1)
    assert torch.equal(drawn, rows[:, :, None] & columns[:, None, :])
    assert (rows.int().diff().abs().sum(1) <= 2).all()
    assert drawn.flatten(1).any(1).all()
    assert 0.2 < (masks.flatten(1).any(1)).float().mean() < 0.28
    assert not sample_known((3, 1, 4, 4), FlowConfig(), torch.Generator()).any()
