"""The torch engine keeps the contract, and draws what OpenVINO draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner.engines import openvino, torch
from limner.engines.base import Engine, EngineOptions, Inpaint
from limner.errors import ModelError
from limner.pipeline import Pipeline
from limner.testing import EngineContract, gradients, noisy
from limner.types import Floats

LEVELS = 2
"""How far the pictures of the two engines may lie apart, in levels of 255."""


@pytest.fixture(scope="module")
def opened(tiny_folder: Path) -> Engine:
    """The tiny model, opened once."""
    return torch.load(tiny_folder, EngineOptions())


@pytest.fixture(scope="module")
def shaped(shaped_folder: Path) -> Engine:
    """The tiny model of several shapes, opened once."""
    return torch.load(shaped_folder, EngineOptions())


class TestTorchEngine(EngineContract):
    """The whole contract, on a tiny real model."""

    @pytest.fixture
    def engine(self, opened: Engine) -> Engine:
        """The tiny model, open."""
        return opened


class TestTorchEngineOfSeveralShapes(EngineContract):
    """The whole contract, on a model that draws wide and high pictures, and inpaints."""

    @pytest.fixture
    def engine(self, shaped: Engine) -> Engine:
        """The tiny model of several shapes, open."""
        return shaped


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


@pytest.fixture
def both_shaped(shaped_folder: Path) -> tuple[Engine, Engine]:
    """The same model of several shapes, open in both engines."""
    options = EngineOptions(precision="f32")
    return openvino.load(shaped_folder, options), torch.load(shaped_folder, options)


@pytest.mark.parametrize("size", [(256, 256), (384, 256), (256, 448), (512, 896)])
def test_both_engines_draw_the_same_wide_and_high_pictures(
    both_shaped: tuple[Engine, Engine], size: tuple[int, int]
) -> None:
    """From a prompt, and into a picture."""
    source_HWC = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    mask_HW = np.arange(size[0])[None, :].repeat(size[1], 0) < size[0] // 2
    asked: list[dict[str, Any]] = [{}, {"image": source_HWC, "mask": mask_HW, "guidance": 2.0}]
    for more in asked:
        one, other = (
            Pipeline(engine).generate("a red boat", seed=3, size=size, **more)[0].pixels_HWC.astype(int)
            for engine in both_shaped
        )
        assert np.abs(one - other).max() <= 1


def test_both_engines_are_told_alike_what_is_known(both_shaped: tuple[Engine, Engine]) -> None:
    """Estimates of guided and unguided pictures, of one of which a half is known, agree to a hundredth."""
    one, other = (told(engine) for engine in both_shaped)
    np.testing.assert_allclose(one, other, atol=1e-2)


def told(engine: Engine) -> Floats:
    """The estimates of three pictures; of the last one the left half is known."""
    x_BChw, t_B, features, _ = noisy(engine)
    mask_B1hw = np.zeros_like(x_BChw[:, :1])
    mask_B1hw[2, :, :, :4] = 1
    known = Inpaint(known_BChw=x_BChw[::-1].copy(), mask_B1hw=mask_B1hw)
    return engine.denoise(x_BChw, t_B, features, np.array([1, 2, 4], np.float32), known)


def test_both_engines_draw_the_same_picture(both: tuple[Engine, Engine]) -> None:
    """Whole pictures differ by two levels at most."""
    one, other = (
        Pipeline(engine).generate("a red boat", seed=3)[0].pixels_HWC.astype(int) for engine in both
    )
    assert np.abs(one - other).max() <= LEVELS
