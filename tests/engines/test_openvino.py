"""The OpenVINO engine keeps the contract, to the bit in any batch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from limner.engines.base import Engine, EngineOptions, Inpaint
from limner.engines.compiled import Network
from limner.engines.openvino import OpenVinoEngine, load
from limner.errors import InvalidRequestError, ModelError, NonFiniteError
from limner.models import read_manifest
from limner.pipeline import Pipeline
from limner.testing import EngineContract, noisy
from limner.training.export import export_model
from limner.types import Floats, TextFeatures
from tests.tiny import tiny_parts, tiny_tokenizer


@pytest.fixture(scope="module")
def opened(tiny_folder: Path) -> Engine:
    """The tiny model, opened once."""
    return load(tiny_folder, EngineOptions(precision="f32"))


@pytest.fixture(scope="module")
def shaped(shaped_folder: Path) -> Engine:
    """The tiny model of several shapes, opened once."""
    return load(shaped_folder, EngineOptions(precision="f32"))


class TestOpenVinoEngine(EngineContract):
    """The whole contract, on a tiny real model."""

    @pytest.fixture
    def engine(self, opened: Engine) -> Engine:
        """The tiny model, open."""
        return opened


class TestOpenVinoEngineOfSeveralShapes(EngineContract):
    """The whole contract, on a model that draws wide and high pictures, and inpaints."""

    @pytest.fixture
    def engine(self, shaped: Engine) -> Engine:
        """The tiny model of several shapes, open."""
        return shaped


def test_a_model_is_needed() -> None:
    """Without a folder the error says what to name."""
    with pytest.raises(ModelError, match="name one"):
        load(None, EngineOptions())


def test_the_compiled_networks_are_cached(tiny_folder: Path, tmp_path: Path) -> None:
    """With a cache folder, compiled networks are kept there, and draw the same picture."""
    first, second = (
        Pipeline(load(tiny_folder, EngineOptions(cache_dir=tmp_path))).generate("a red boat", seed=1)[0]
        for _ in "ab"
    )
    assert list((tmp_path / "openvino").iterdir())
    np.testing.assert_array_equal(first.pixels_HWC, second.pixels_HWC)


@pytest.mark.parametrize("precision", ["auto", "f32"])
def test_company_changes_no_bit(tiny_folder: Path, precision: Literal["auto", "f32"]) -> None:
    """Alone, in threes, or among so many that pairs of rows are computed together: each the same to the bit."""
    engine = load(tiny_folder, EngineOptions(precision=precision))
    x_BChw, t_B, features, guidance_B = (list(each) * 3 for each in noisy(engine))
    alone = [
        engine.denoise(x[None], np.array([t]), [feature], np.array([guidance]))
        for x, t, feature, guidance in zip(x_BChw, t_B, features, guidance_B, strict=True)
    ]
    for count in range(1, len(x_BChw) + 1):
        together = engine.denoise(
            np.stack(x_BChw[:count]), np.array(t_B[:count]), features[:count], np.array(guidance_B[:count])
        )
        np.testing.assert_array_equal(together, np.concatenate(alone[:count]))


def test_where_pairs_would_change_bits_they_are_not_made(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor on which they do is known by a trial; then every row stays by itself."""
    expected = load(tiny_folder, EngineOptions()).denoise(*noisy_many(load(tiny_folder, EngineOptions())))
    ran: list[int] = []
    run = Network.run

    def rounding_by_batch(network: Network, inputs: Mapping[str, Any]) -> list[Floats]:
        ran.append(network.rows)
        return [value + 1e-6 * (network.rows - 1) for value in run(network, inputs)]

    monkeypatch.setattr(Network, "run", rounding_by_batch)
    engine = load(tiny_folder, EngineOptions())
    np.testing.assert_array_equal(engine.denoise(*noisy_many(engine)), expected)
    assert ran.count(2) == 1


def noisy_many(engine: Engine) -> tuple[Floats, Floats, list[TextFeatures], Floats]:
    """Enough pictures for pairs."""
    x_BChw, t_B, features, guidance_B = noisy(engine)
    return np.tile(x_BChw, (3, 1, 1, 1)), np.tile(t_B, 3), list(features) * 3, np.tile(guidance_B, 3)


def half_known(x_BChw: Floats) -> Inpaint:
    """Of every other picture the left half."""
    mask_B1hw = np.zeros_like(x_BChw[:, :1])
    mask_B1hw[::2, :, :, :4] = 1
    return Inpaint(known_BChw=x_BChw[::-1].copy(), mask_B1hw=mask_B1hw)


@pytest.mark.parametrize("shape", [(12, 8, 8), (12, 8, 12), (12, 14, 8)])
def test_what_is_known_is_looked_at(shaped: Engine, shape: tuple[int, ...]) -> None:
    """A model that inpaints draws the rest otherwise; what is known of neighbours changes no bit of a picture."""
    x_BChw, t_B, features, _ = noisy(shaped, shape)
    look, guidance_B = (x_BChw, t_B, features), np.array([1, 2, 2], np.float32)
    known = half_known(x_BChw)
    blind, seeing = (shaped.denoise(*look, guidance_B, inpaint) for inpaint in (None, known))
    np.testing.assert_array_equal(blind[1], seeing[1])
    for at in (0, 2):
        assert np.abs(blind[at, :, :, 4:] - seeing[at, :, :, 4:]).max() > 1e-3
        own = Inpaint(known_BChw=known.known_BChw[at : at + 1], mask_B1hw=known.mask_B1hw[at : at + 1])
        one = slice(at, at + 1)
        alone = shaped.denoise(x_BChw[one], t_B[one], features[one], guidance_B[one], own)
        np.testing.assert_array_equal(alone[0], seeing[at])


def test_what_is_not_under_the_mask_is_not_looked_at(shaped: Engine) -> None:
    """Whatever the known picture holds there."""
    look = noisy(shaped)
    known = half_known(look[0])
    scribbled = replace(known, known_BChw=np.where(known.mask_B1hw == 1, known.known_BChw, 9).astype("f4"))
    np.testing.assert_array_equal(shaped.denoise(*look, known), shaped.denoise(*look, scribbled))


def test_a_model_that_does_not_inpaint_is_told_nothing(opened: Engine) -> None:
    """It draws as ever; the rule in `diffusion.inpaint` puts what is known in place."""
    look = noisy(opened)
    np.testing.assert_array_equal(opened.denoise(*look), opened.denoise(*look, half_known(look[0])))


def test_only_the_shapes_that_are_drawn_are_compiled(shaped_folder: Path) -> None:
    """Squares cost what they did before there were others."""
    engine = OpenVinoEngine(shaped_folder, read_manifest(shaped_folder), EngineOptions())
    Pipeline(engine).generate("a boat", seed=1, size=(1200, 800))
    assert engine._denoisers.keys() == {"denoiser-8x12"}
    assert engine._autoencoders.keys() == {("decoder", (8, 12))}


@pytest.mark.parametrize("size", [(255, 256), (256, 384), (3, 3)])
def test_a_picture_of_no_shape_is_refused(shaped: Engine, size: tuple[int, int]) -> None:
    """Neither stretched nor guessed at: the error names the nearest size. Vectors are of squares."""
    with pytest.raises(InvalidRequestError, match="256"):
        shaped.encode_image(np.zeros((1, size[1], size[0], 3), np.uint8))
    with pytest.raises(InvalidRequestError, match="256x256"):
        shaped.embed_image(np.zeros((1, 256, 384, 3), np.uint8))


def test_nan_is_never_passed_on(tiny_folder: Path) -> None:
    """An estimate with NaN is an error that says what to check."""
    engine = load(tiny_folder, EngineOptions())
    x_BChw, t_B, features, guidance_B = noisy(engine)
    with pytest.raises(NonFiniteError, match="model's files"):
        engine.denoise(np.full_like(x_BChw, np.nan), t_B, features, guidance_B)


def test_two_models_do_not_share_compiled_networks(tiny_folder: Path, tmp_path: Path) -> None:
    """Models of the same shapes with other weights keep apart in one cache folder."""
    parts = tiny_parts(tiny_tokenizer(tmp_path / "tokenizer.json"))
    torch.nn.init.normal_(parts.denoiser.head.weight)
    export_model(tmp_path / "other", parts)
    for folder in (tiny_folder, tmp_path / "other"):
        cached, plain = (load(folder, EngineOptions(cache_dir=place)) for place in (tmp_path / "cache", None))
        np.testing.assert_array_equal(cached.denoise(*noisy(cached)), plain.denoise(*noisy(plain)))


def test_drawing_loads_no_torch(tiny_folder: Path) -> None:
    """A fresh process draws a picture without torch."""
    code = (
        "import limner, sys; limner.load(sys.argv[1]).generate('a boat', seed=1); "
        "print([name for name in ('torch', 'typer') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tiny_folder)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_nothing_gives_nothing(tiny_folder: Path) -> None:
    """Empty batches come back empty, at every door."""
    engine = load(tiny_folder, EngineOptions())
    x_BChw, t_B, _, _ = noisy(engine)
    pixels_BHWC = np.zeros((0, 256, 256, 3), np.uint8)
    assert engine.attend(x_BChw[:0], t_B[:0], []).shape == (0, 48, 8, 8)
    assert engine.decode(x_BChw[:0]).shape == pixels_BHWC.shape
    assert engine.encode_image(pixels_BHWC).shape == x_BChw[:0].shape
    assert engine.embed_image(pixels_BHWC).shape == (0, 1024)


def test_nan_in_attention_is_never_passed_on(tiny_folder: Path) -> None:
    """Attention that is not a number is an error too, not an even spread."""
    engine = load(tiny_folder, EngineOptions())
    x_BChw, t_B, features, _ = noisy(engine)
    with pytest.raises(NonFiniteError):
        engine.attend(np.full_like(x_BChw, np.nan), t_B, features)
