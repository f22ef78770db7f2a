"""`limner.network.denoiser`: what its formulas promise, before any training and after."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from limner.network.denoiser import Denoiser, DenoiserConfig

DEVIATION = torch.tensor([0.2, 0.7, 1.0, 2.5])
T = torch.tensor([0.3, 0.9])


def tiny(layers: int = 3, *, inpaints: bool = False) -> Denoiser:
    """Random weights everywhere, over 4 x 4 tokens of 4 channels."""
    torch.manual_seed(0)
    model = Denoiser(
        DenoiserConfig(
            channels=4, grid=4, width=32, layers=layers, heads=2, text_width=16, vector=8, inpaints=inpaints
        )
    )
    model.deviation.copy_(DEVIATION)
    for layer in (model.modulate, model.head):
        nn.init.normal_(layer.weight, std=0.2)
    return model.eval()


def prompt(tokens: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """States, mask and vectors of two prompts."""
    states, vectors = torch.randn(2, tokens, 16), nn.functional.normalize(torch.randn(2, 8), dim=-1)
    return states, torch.ones(2, tokens, dtype=torch.bool), vectors


def test_untrained_it_gives_the_linear_estimate() -> None:
    """With the head at zero, as it starts, the estimate is skip * x whatever the prompt."""
    model = Denoiser(tiny().config)
    x = torch.randn(2, 4, 4, 4)
    skip = model.preconditioning(T)[0][..., None, None]
    assert torch.equal(model(x, T, *prompt())[0], skip * x)


@pytest.mark.parametrize("t", [0.02, 0.4, 0.98])
def test_the_preconditioning_is_the_best_linear_one(t: float) -> None:
    """Regression of x0 on x gives `skip`; input and target of F have unit variance in every channel."""
    torch.manual_seed(0)
    x0, noise = torch.randn(2, 40_000, 4)
    x0 *= DEVIATION
    x = (1 - t) * x0 + t * noise
    skip, out, into = tiny().preconditioning(torch.tensor([t]))
    regression = (x * x0).mean(0) / x.square().mean(0)
    torch.testing.assert_close(skip[0], regression, rtol=0.02, atol=0.02)
    torch.testing.assert_close((x * into).std(0), torch.ones(4), rtol=0.02, atol=0)
    torch.testing.assert_close(((x0 - skip * x) / out).std(0), torch.ones(4), rtol=0.02, atol=0)


def test_a_prompt_without_tokens_is_no_prompt() -> None:
    """With nothing under the mask and a zero vector, the estimate is the same whatever the states are."""
    model, x = tiny(), torch.randn(2, 4, 4, 4)
    none = torch.zeros(2, 5, dtype=torch.bool), torch.zeros(2, 8)
    one, other = (model(x, T, torch.randn(2, 5, 16) * size, *none)[0] for size in (1, 100))
    assert one.isfinite().all()
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_more_padding_changes_nothing() -> None:
    """A prompt gives the same estimate in a wider batch, and its padding gets no attention."""
    model, x = tiny(), torch.randn(2, 4, 4, 4)
    states, mask, vectors = prompt()
    wide = torch.cat([states, torch.randn(2, 7, 16)], 1), torch.cat([mask, torch.zeros(2, 7).bool()], 1)
    expected, attention = model(x, T, states, mask, vectors)
    estimate, wide_attention = model(x, T, *wide, vectors)
    torch.testing.assert_close(estimate, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(wide_attention[:, :5], attention, rtol=1e-5, atol=1e-6)
    assert not wide_attention[:, 5:].any()


def test_tokens_and_vector_of_the_prompt_both_count() -> None:
    """Another state of a token or another vector, each by itself, gives another estimate."""
    model, x = tiny(), torch.randn(2, 4, 4, 4)
    states, mask, vectors = prompt()
    expected = model(x, T, states, mask, vectors)[0]
    for changed in ((states.flip(0), mask, vectors), (states, mask, vectors.flip(0))):
        assert (model(x, T, *changed)[0] - expected).abs().max() > 1e-3


def test_nearness_is_by_distance_between_cells() -> None:
    """The bias of two picture tokens starts at minus a slope times their distance."""
    layer: Any = tiny().layers[0]
    hidden = torch.zeros(1, 1, 1, 3)
    bias = layer._bias((4, 4), 1, hidden)[0]
    assert bias.shape == (2, 16, 19)
    for n, m in itertools.product(range(16), repeat=2):
        distance = ((n // 4 - m // 4) ** 2 + (n % 4 - m % 4) ** 2) ** 0.5
        assert bias[:, n, m].tolist() == pytest.approx([0, -0.5 * distance])


def test_without_the_skip_an_untrained_network_gives_nothing() -> None:
    """The clean picture is the network's output alone, by the channels' deviations: zero, with the head at zero."""
    model = Denoiser(replace(tiny().config, skips=False))
    assert not model(torch.randn(2, 4, 4, 4), T, *prompt())[0].any()
    nn.init.constant_(model.head.bias, 1.0)
    model.deviation.copy_(DEVIATION)
    expected = DEVIATION[None, :, None, None].expand(2, -1, 4, 4)
    torch.testing.assert_close(model(torch.randn(2, 4, 4, 4), T, *prompt())[0], expected)


def test_grids_of_all_shapes_have_places_in_common() -> None:
    """A wide picture is a square one with more at both sides, a high one has more above it."""
    model = Denoiser(replace(tiny().config, reach=8))
    square, wide, high = (model._places_of(h, w).view(h, w, -1) for h, w in ((4, 4), (4, 8), (8, 4)))
    assert torch.equal(wide[:, 2:6], square)
    assert torch.equal(high[4:], square)
    assert torch.equal(square.flatten(0, 1), Denoiser(replace(tiny().config, reach=4)).places)


@pytest.mark.parametrize(("h", "w"), [(4, 4), (4, 8), (8, 4), (6, 6)])
def test_pictures_of_any_shape_within_reach_are_denoised(h: int, w: int) -> None:
    """What comes out has the shape of what goes in, the attention too."""
    model = tiny()
    x0, attention = model(torch.randn(2, 4, h, w), T, *prompt())
    assert x0.shape == (2, 4, h, w)
    assert attention.shape[2:] == (h, w)


def test_what_is_known_tells_on_the_estimate_and_nothing_known_does_not() -> None:
    """An empty mask is like no mask at all; before training all masks are."""
    model, x, condition = tiny(inpaints=True), torch.randn(2, 4, 4, 4), prompt()
    clean, expected = torch.randn(2, 4, 4, 4), model(x, T, *condition)[0]
    mask = torch.zeros(2, 1, 4, 4)
    assert torch.equal(model(x, T, *condition, model.known(clean, mask + 1))[0], expected)
    torch.nn.init.normal_(model.know.weight)  # type: ignore[union-attr]
    assert torch.equal(model(x, T, *condition, model.known(clean, mask))[0], expected)
    mask[:, :, :2] = 1
    assert not torch.allclose(model(x, T, *condition, model.known(clean, mask))[0], expected)


def test_large_weights_do_not_saturate_attention() -> None:
    """However large queries and keys grow, the picture looks at each word as before."""
    model, x, condition = tiny(layers=1), torch.randn(2, 4, 4, 4), prompt()
    _, before = model(x, T, *condition)
    layer: Any = model.layers[0]
    with torch.no_grad():
        for parameter in (*layer.qkv.parameters(), *layer.text_kv.parameters()):
            parameter.mul_(1e3)
    _, after = model(x, T, *condition)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-4)
