"""The torch engine keeps the contract, and draws what OpenVINO draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limner.engines import openvino, torch
from limner.engines.base import Engine, EngineOptions
from limner.errors import ModelError
from limner.pipeline import Pipeline
from limner.testing import EngineContract, gradients, noisy

LEVELS = 2
"""How far the pictures of the two engines may lie apart, in levels of 255."""


@pytest.fixture(scope="module")
def opened(tiny_folder: Path) -> Engine:
    """The tiny model, opened once."""
    return torch.load(tiny_folder, EngineOptions())


class TestTorchEngine(EngineContract):
    """The whole contract, on a tiny real model."""

    @pytest.fixture
    def engine(self, opened: Engine) -> Engine:
        """The tiny model, open."""
        return opened


@pytest.fixture
def both(tiny_folder: Path) -> tuple[Engine, Engine]:
    """The same model, open in both engines."""
    options = EngineOptions(precision="f32")
    return openvino.load(tiny_folder, options), torch.load(tiny_folder, options)


def test_a_model_is_needed() -> None:
    """Without a folder the error says what to name."""
    with pytest.raises(ModelError, match="name one"):
        torch.load(None, EngineOptions())


def test_both_engines_understand_a_prompt_alike(both: tuple[Engine, Engine]) -> None:
    """Vectors and token states agree to a thousandth."""
    (one,), (other,) = (engine.encode(["a cute puppy with a red ball"]) for engine in both)
    np.testing.assert_allclose(one.vector_D, other.vector_D, atol=1e-3)
    np.testing.assert_allclose(one.states_TD, other.states_TD, atol=1e-3)


def test_both_engines_see_a_noisy_picture_alike(both: tuple[Engine, Engine]) -> None:
    """Estimates, guided ones too, and attention agree to a thousandth."""
    looks = [(engine, noisy(engine)) for engine in both]
    guidance_B = np.array([1, 2, 4], np.float32)
    one, other = (engine.denoise(*look[:3], guidance_B) for engine, look in looks)
    np.testing.assert_allclose(one, other, atol=1e-2)
    one, other = (engine.attend(*look[:3]) for engine, look in looks)
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_both_engines_embed_a_picture_alike(both: tuple[Engine, Engine]) -> None:
    """The picture's vectors agree to a thousandth."""
    one, other = (engine.embed_image(gradients(engine)) for engine in both)
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_both_engines_draw_the_same_picture(both: tuple[Engine, Engine]) -> None:
    """Whole pictures differ by two levels at most."""
    one, other = (
        Pipeline(engine).generate("a red boat", seed=3)[0].pixels_HWC.astype(int) for engine in both
    )
    assert np.abs(one - other).max() <= LEVELS
