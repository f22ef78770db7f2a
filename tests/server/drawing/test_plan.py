"""`limner.server.drawing.plan`: what a call makes the pipeline draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from limner.engines.base import Capabilities
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.drawing.plan import plan, resolved_quality, steps_of
from limner.server.errors import ApiError
from tests.server.helpers import form, json_body, judge, noise, upload

ABLE = Capabilities(
    model="m",
    latent_shape=(3, 8, 8),
    picture_size=(256, 192),
    default_steps=5,
    default_guidance=1.0,
    batch_invariant=True,
)


def call(route: Route = Route.GENERATIONS, **values: Any) -> Call:
    """A call of a newer name."""
    body = {"model": "gpt-image-2", "prompt": "a cat"} | values
    texts = {name: str(value) for name, value in body.items()}
    sent = json_body(**body) if route == Route.GENERATIONS else form(texts, ("image", upload()))
    found = judge(route, sent, strict=False)
    assert isinstance(found, Call), found
    return found


@pytest.mark.parametrize(
    ("quality", "steps", "resolved"),
    [
        ("low", 2, "low"),
        ("medium", 5, "medium"),
        ("auto", 5, "medium"),
        ("standard", 5, "medium"),
        ("high", 10, "high"),
        ("hd", 10, "high"),
        ("xhigh", 15, "xhigh"),
        ("max", 20, "max"),
    ],
)
def test_quality_is_a_number_of_steps(quality: str, steps: int, resolved: str) -> None:
    """Relative to the model's own number; the answer names a documented level."""
    assert plan(call(quality=quality), ABLE).steps == steps == steps_of(quality, ABLE)
    assert resolved_quality(quality) == resolved


def test_there_are_no_more_pixels_than_openai_would_draw() -> None:
    """Ten of its largest pictures; of larger ones there are fewer, and the error says how many."""
    assert plan(call(n=10, size="3840x2160"), ABLE).n == 10
    assert plan(call(n=4, size="4096x4096"), ABLE).n == 4
    with pytest.raises(ApiError, match="Expected a value <= 4 at this size, or a smaller size") as refused:
        plan(call(n=5, size="4096x4096"), ABLE)
    assert (refused.value.status, refused.value.param) == (400, "n")


def test_the_sources_size_counts_as_well() -> None:
    """Where it is the size that is drawn."""
    with pytest.raises(ApiError, match="<= 4 at this size"):
        plan(call(Route.EDITS, n=5), ABLE, np.zeros((4096, 4096, 3), np.uint8))


@pytest.mark.parametrize("prompt", [" ", "\n\t", "\u3000"])
def test_white_space_is_a_prompt(prompt: str) -> None:
    """As it is for OpenAI; what is drawn then is up to the model."""
    assert plan(call(prompt=prompt), ABLE).prompt


def test_steps_win_over_quality() -> None:
    """Whoever counts steps means it."""
    assert plan(call(quality="max", steps=3), ABLE).steps == 3


def test_auto_is_the_models_own_size_or_the_pictures() -> None:
    """And a picture that is too large is made smaller in proportion."""
    assert plan(call(), ABLE).size == (256, 192)
    assert plan(call(Route.EDITS), ABLE, noise(40, 60)).size == (60, 40)
    wide_HWC = np.zeros((100, 8192, 3), np.uint8)
    assert plan(call(Route.EDITS), ABLE, wide_HWC).size == (4096, 50)
    assert plan(call(Route.EDITS, size="32x48"), ABLE, noise(40, 60)).size == (32, 48)


def test_a_seed_is_kept_or_drawn() -> None:
    """Without one, each request has another, small enough for JavaScript to read."""
    assert plan(call(seed=7), ABLE).seed == 7
    seeds = {plan(call(), ABLE).seed for _ in range(20)}
    assert len(seeds) == 20
    assert max(seeds) < 2**53


def test_fidelity_stays_near_the_picture() -> None:
    """Unless there is a mask, which decides what stays, or a strength, which says it in numbers."""
    mask_HW = np.ones((40, 60), np.bool_)
    faithful = call(Route.EDITS, input_fidelity="high")
    assert plan(faithful, ABLE, noise(40, 60)).strength == 0.3
    assert plan(faithful, ABLE, noise(40, 60), mask_HW).strength is None
    assert plan(call(Route.EDITS, input_fidelity="low"), ABLE, noise(40, 60)).strength is None
    strong = call(Route.EDITS, input_fidelity="high", strength=0.9)
    assert plan(strong, ABLE, noise(40, 60)).strength == 0.9


def test_a_negative_prompt_needs_guidance() -> None:
    """Without it nothing would lead away: refused by name rather than not honoured."""
    with pytest.raises(ApiError) as caught:
        plan(call(negative_prompt="a tree"), ABLE)
    assert caught.value.param == "negative_prompt"
    wanted = plan(call(negative_prompt="a tree", guidance_scale=3), ABLE)
    assert (wanted.negative_prompt, wanted.guidance) == ("a tree", 3.0)
