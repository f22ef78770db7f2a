"""Checkpoints through OpenVINO: the contract, torch's pictures, a cache that holds, and torch where it cannot.

Pictures of the tiny models, in float32, are torch's own within 1 level of 255.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import limner
from limner.engines import converted, diffusers
from limner.engines.base import Engine, EngineOptions
from limner.engines.diffusers import DiffusersEngine
from limner.engines.graphs.engine import ConvertedEngine
from limner.errors import EngineWarning, InvalidRequestError, ModelError
from limner.testing import EngineContract, noisy
from tests.engines import tiny_diffusers as tiny
from tests.engines.test_diffusers_families import MAKERS, apart, begin, draw, open_tiny

# Of DPM-Solver in diffusers, with NumPy 2.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"),
    pytest.mark.usefixtures("one_thread"),
]

LEVELS = 1
"""How far a picture may lie from torch's, in levels of 255."""
CONVERTED = ("sd1", "sdxl", "sd3", "flux-schnell", "pixart-sigma", "sana")
"""Those whose graphs are not among them are converted alike: sd2 as sd1, PixArt alpha as sigma."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A checkpoint on disk, its engine, and the pipeline that it was made of."""

    folder: Path
    options: EngineOptions
    engine: Engine
    pipe: Any


@pytest.fixture(scope="module", autouse=True)
def _small_pictures() -> Iterator[None]:
    """FLUX's and Qwen-Image's size stands in no file."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (converted, "open_pipeline"),
            (converted, "open_hollow"),
            (diffusers, "open_pipeline"),
        ):
            patch.setattr(module, name, tiny.small_when_opened(getattr(module, name)))
        yield


def saved(name: str, place: Path) -> Opened:
    """A family's tiny model as diffusers saves it, opened through OpenVINO."""
    pipe = MAKERS[name]()
    pipe.save_pretrained(place / name)
    options = EngineOptions(cache_dir=place / "cache", precision="f32", threads=1)
    return Opened(
        folder=place / name, options=options, engine=converted.load(place / name, options), pipe=pipe
    )


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Opened]:
    """Opens each family once: a conversion takes seconds."""
    return cache(lambda name: saved(name, tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module", params=CONVERTED)
def opened(request: pytest.FixtureRequest, once: Callable[[str], Opened]) -> Opened:
    """Each family's."""
    return once(request.param)


@pytest.fixture(scope="module")
def boat(once: Callable[[str], Opened]) -> Opened:
    """One of them, for what is the same for all."""
    return once("sd1")


class TestConverted(EngineContract):
    """The whole contract: and, unlike torch's, bytes that do not depend on the company."""

    # Where little of the picture is left in x, a network's rounding is divided by that little.
    rounding = 1e-3
    # The autoencoder is random, and no inverse of itself.
    round_trip_levels = 128.0

    @pytest.fixture
    def engine(self, opened: Opened) -> Engine:
        """One family, open."""
        return opened.engine


def test_openvino_computes_and_no_bit_depends_on_the_company(opened: Opened) -> None:
    """Nobody fell back to torch, without which the other tests would say little."""
    assert isinstance(opened.engine, ConvertedEngine)
    assert opened.engine.capabilities.batch_invariant


@pytest.mark.parametrize(("steps", "guidance"), [(5, 1.0), (4, 3.0)])
def test_a_picture_is_torchs(opened: Opened, steps: int, guidance: float) -> None:
    """The same noise, steps and guidance draw the same, alone and in company."""
    torchs = open_tiny(opened.pipe)
    [theirs] = draw(torchs, [begin(torchs, 7, steps, guidance)])
    [ours, _] = draw(
        opened.engine,
        [begin(opened.engine, 7, steps, guidance), begin(opened.engine, 1, 3, 2.0, "two dogs")],
    )
    assert theirs.std() > 10
    assert apart(ours, theirs) <= LEVELS


def test_a_second_opening_reads_no_weights(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same picture from the cache, to the bit."""
    monkeypatch.setattr(converted, "open_pipeline", lambda *_: pytest.fail("the weights are read again"))
    again = converted.load(opened.folder, opened.options)
    one, other = (draw(engine, [begin(engine, 7, 3, 2.0)]) for engine in (opened.engine, again))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["z-image", "qwen-image"])
def test_what_cannot_be_converted_is_drawn_by_torch(name: str, tmp_path: Path) -> None:
    """With a warning that says so, and a cache in which nothing half-done is left."""
    with pytest.warns(EngineWarning, match="torch computes it"):
        found = saved(name, tmp_path)
    assert type(found.engine) is DiffusersEngine
    assert list((tmp_path / "cache" / "checkpoints").iterdir()) == []
    assert draw(found.engine, [begin(found.engine, 7, 2, 1.0)]).shape == (1, 16, 16, 3)


def graph_of(opened: Opened, name: str) -> Path:
    """A file of the conversion."""
    assert opened.options.cache_dir
    [path] = (opened.options.cache_dir / "checkpoints").glob(f"*/{name}")
    return path


def test_a_damaged_conversion_is_made_again(boat: Opened) -> None:
    """One byte that is another one, and the graph is not trusted; the picture is what it was."""
    weights = graph_of(boat, "denoiser.bin")
    intact = weights.read_bytes()
    # Not under the open engine, which still reads from it.
    weights.unlink()
    weights.write_bytes(intact[:500] + bytes([intact[500] ^ 255]) + intact[501:])
    again = converted.load(boat.folder, boat.options)
    assert graph_of(boat, "denoiser.bin").read_bytes() == intact
    one, other = (draw(engine, [begin(engine, 7, 2, 2.0)]) for engine in (boat.engine, again))
    np.testing.assert_array_equal(one, other)


def test_weights_in_8_bits_draw_nearly_the_same(boat: Opened, tmp_path: Path) -> None:
    """A graph of its own; pictures of the tiny model are within 4 levels on average, and 48 at worst."""
    options = EngineOptions(cache_dir=tmp_path, precision="f32", threads=1, int8_weights=True)
    small = converted.load(boat.folder, options)
    [rounded] = (tmp_path / "checkpoints").glob("*/denoiser.bin")
    assert rounded.stat().st_size < graph_of(boat, "denoiser.bin").stat().st_size
    [one], [other] = (draw(engine, [begin(engine, 7, 4, 3.0)]) for engine in (boat.engine, small))
    away = np.abs(one.astype(int) - other.astype(int))
    assert 0 < away.mean() < 4
    assert away.max() < 48


def test_limner_chooses_openvino_for_a_checkpoint(boat: Opened) -> None:
    """Unless torch is asked for; sizes, edits, variations and traces are as ever."""
    kept = boat.options.cache_dir
    pipeline = limner.load(boat.folder, cache_dir=kept, precision="f32", threads=1)
    assert isinstance(pipeline.engine, ConvertedEngine)
    [picture] = pipeline.generate("a red boat", seed=1, steps=2, size=(24, 24), trace=True)
    assert picture.pixels_HWC.shape == (24, 24, 3)
    [edited] = pipeline.generate(
        "a cat", seed=1, steps=2, image=picture.pixels_HWC, mask=np.arange(576).reshape(24, 24) < 200
    )
    np.testing.assert_array_equal(edited.pixels_HWC[-1], picture.pixels_HWC[-1])
    assert len(pipeline.generate("", seed=1, steps=2, image=picture.pixels_HWC)) == 1
    assert type(limner.load(boat.folder, engine="diffusers").engine) is DiffusersEngine
    assert type(limner.load(boat.folder, engine="torch").engine) is DiffusersEngine


def test_without_a_cache_it_is_converted_anew(boat: Opened) -> None:
    """And draws the same."""
    alone = converted.load(boat.folder, EngineOptions(precision="f32", threads=1))
    assert isinstance(alone, ConvertedEngine)
    look = noisy(boat.engine)
    np.testing.assert_array_equal(alone.denoise(*look), boat.engine.denoise(*look))


def test_weights_in_8_bits_are_for_checkpoints(tmp_path: Path) -> None:
    """The shipped model refuses them by name."""
    with pytest.raises(InvalidRequestError, match="int8_weights"):
        limner.load("limner-2", int8_weights=True, cache_dir=tmp_path)


def test_what_is_wrong_with_a_checkpoint_is_told_as_ever(tmp_path: Path) -> None:
    """A folder without an index, a pickle, and no model at all."""
    with pytest.raises(ModelError, match="is not a model"):
        converted.load(tmp_path, EngineOptions())
    with pytest.raises(ModelError, match="is a pickle"):
        converted.load(tmp_path / "x.ckpt", EngineOptions())
    with pytest.raises(ModelError, match="name a folder"):
        converted.load(None, EngineOptions())
