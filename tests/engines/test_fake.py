"""The fake engine keeps the contract, and is a diffusion model in small."""

from __future__ import annotations

import numpy as np
import pytest

from limner.diffusion.noise import noise
from limner.diffusion.rendering import Rendering
from limner.diffusion.schedule import timesteps
from limner.engines.base import Engine, EngineOptions, Inpaint
from limner.engines.fake import FakeEngine, load
from limner.testing import EngineContract
from limner.types import Floats


class TestFakeEngine(EngineContract):
    """The whole contract, to the bit."""

    @pytest.fixture
    def engine(self) -> Engine:
        """A fake engine; it needs no model."""
        return load(None, EngineOptions())


def drawn(prompt: str, seed: int, steps: int = 8) -> Floats:
    """The clean latents of a prompt and a seed."""
    engine = FakeEngine()
    [features] = engine.encode([prompt])
    rendering = Rendering(seed=seed, shape=(3, 8, 8), features=features, times=timesteps(steps))
    while not rendering.done:
        t_B, guidance_B = np.array([rendering.t], np.float32), np.ones(1, np.float32)
        rendering.advance(engine.denoise(rendering.x_Chw[None], t_B, [features], guidance_B)[0])
    return rendering.x_Chw


def test_the_seed_varies_a_picture_and_the_prompt_changes_it() -> None:
    """Two seeds of a prompt are nearer to each other than two prompts of a seed."""
    one, seed, prompt = drawn("a red boat", 1), drawn("a red boat", 2), drawn("three cats", 1)
    assert 0 < np.abs(one - seed).mean() < np.abs(one - prompt).mean() / 2


def test_more_steps_come_nearer_to_the_true_picture() -> None:
    """Like a network's, its pictures settle as the steps grow."""
    few, many, most = (drawn("a red boat", 1, steps) for steps in (4, 32, 256))
    assert np.abs(many - most).max() < np.abs(few - most).max() / 4


def test_a_picture_lies_nearest_to_its_own_prompt() -> None:
    """The vector of a picture names the prompt that it was drawn from, among ten."""
    engine = FakeEngine()
    prompts = [f"{count} boats" for count in range(10)]
    vectors_BD = np.stack([features.vector_D for features in engine.encode(prompts)])
    pictures_BHWC = engine.decode(np.stack([drawn(prompt, 3) for prompt in prompts]))
    assert (engine.embed_image(pictures_BHWC) @ vectors_BD.T).argmax(axis=1).tolist() == list(range(10))


def test_46_words_are_read() -> None:
    """The window has 48 tokens, two of them the ends; the 47th word and the rest are told."""
    [features] = FakeEngine().encode([" ".join(f"w{i}" for i in range(50))])
    assert features.mask_T.all()
    assert (features.tokens[1], features.tokens[46], features.tokens[47]) == ("w0", "w45", "[end]")
    assert features.unread == "w46 w47 w48 w49"
    assert len(features.words) == 50


def test_known_regions_are_kept() -> None:
    """With the whole picture known, the estimate is that picture."""
    engine = FakeEngine()
    x_BChw, known_BChw = noise(1, (1, 3, 8, 8)), noise(2, (1, 3, 8, 8))
    known = Inpaint(known_BChw=known_BChw, mask_B1hw=np.ones((1, 1, 8, 8), np.float32))
    t_B, guidance_B = np.array([0.5], np.float32), np.ones(1, np.float32)
    x0_BChw = engine.denoise(x_BChw, t_B, engine.encode(["a red boat"]), guidance_B, known)
    np.testing.assert_array_equal(x0_BChw, known_BChw)
