"""`limner.upscaling`: how many times as large, in which pieces, and what of it is the same as without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import limner
from limner.engines.base import Engine
from limner.engines.fake import FakeEngine
from limner.imaging.resize import fit
from limner.pipeline import Pipeline
from limner.types import Pixels
from limner.upscaling import completed, enlarging, factor

SQUARE = (256, 256)


class Repeating(FakeEngine):
    """Makes each pixel four, and notes the sizes that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities = replace(self.capabilities, upscales=True)
        self.sizes: list[tuple[int, int]] = []

    def upscale(self, pixels_BHWC: Pixels) -> Pixels:
        """The same picture in larger pixels."""
        self.sizes.append((pixels_BHWC.shape[2], pixels_BHWC.shape[1]))
        return pixels_BHWC.repeat(2, 1).repeat(2, 2)


@pytest.fixture(scope="module")
def noise() -> Pixels:
    """(256, 256, 3): so that any change shows."""
    return np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def learned(tiny_folder: Path) -> Pipeline:
    """A tiny model with an upscaler."""
    return limner.load(tiny_folder, precision="f32")


@pytest.mark.parametrize(
    ("size", "times"),
    [((256, 256), 1), ((64, 64), 1), ((257, 200), 2), ((512, 512), 2), ((1024, 1024), 4), ((1792, 1024), 4)],
)
def test_a_picture_grows_until_it_reaches_the_size(size: tuple[int, int], times: int) -> None:
    """By the smallest of 1, 2 and 4 that does, at most by 4; by 1 where the engine cannot."""
    assert factor(Repeating(), SQUARE, size) == times
    assert factor(FakeEngine(), SQUARE, size) == 1


@pytest.mark.parametrize("size", [(512, 512), (1024, 1024)])
def test_pieces_make_the_whole(noise: Pixels, size: tuple[int, int]) -> None:
    """What is enlarged in pieces is what would be in one: no row is lost, doubled or misplaced."""
    times = size[0] // 256
    larger = completed(enlarging(Repeating(), noise, size, cropped=True))
    np.testing.assert_array_equal(larger, noise.repeat(times, 0).repeat(times, 1))


def test_no_piece_is_large(noise: Pixels) -> None:
    """The thread can see to others after each: three pieces on the way to four times the size."""
    engine = Repeating()
    assert len(list(enlarging(engine, noise, (1024, 1024), cropped=True))) == len(engine.sizes) - 1 == 2
    assert max(width * height for width, height in engine.sizes) <= 2.25 * 256 * 256


@pytest.mark.parametrize("size", [(1792, 1024), (1024, 1792), (640, 600), (300, 511)])
def test_what_is_cut_off_is_not_enlarged(noise: Pixels, size: tuple[int, int]) -> None:
    """The finished picture is the same as if it had been, but for rounding."""
    whole = completed(enlarging(Repeating(), noise, size, cropped=False))
    engine = Repeating()
    cropped = completed(enlarging(engine, noise, size, cropped=True))
    assert cropped.size <= whole.size
    difference = fit(cropped, size).astype(np.int16) - fit(whole, size)
    assert np.abs(difference).max() <= 2
    assert np.abs(difference).mean() < 0.01
    if size[0] == 1792:
        assert cropped.shape[0] < 0.7 * whole.shape[0]


def test_a_network_sees_no_seam_between_pieces(learned: Pipeline, noise: Pixels) -> None:
    """The halo is wide enough for the tiny model to the bit."""
    smooth = fit(noise[::16, ::16], (256, 256))
    pieces = completed(enlarging(learned.engine, smooth, (1024, 1024), cropped=True))
    [whole] = learned.engine.upscale(learned.engine.upscale(smooth[None]))
    np.testing.assert_array_equal(pieces, whole)


@pytest.mark.parametrize("size", [(512, 512), (1024, 1024), (700, 300)])
def test_pictures_have_the_exact_size_and_are_the_same_twice(
    learned: Pipeline, size: tuple[int, int]
) -> None:
    """Learned or not, the size is what was asked for; the seed decides all."""
    one, other = (learned.generate("a red boat", seed=3, size=size)[0].pixels_HWC for _ in "ab")
    assert one.shape == (size[1], size[0], 3)
    np.testing.assert_array_equal(one, other)


def test_plain_resampling_can_be_chosen(learned: Pipeline, tiny_folder: Path) -> None:
    """`upscaler="lanczos"` gives the native picture, resampled; the native picture itself is the same either way."""
    plain = limner.load(tiny_folder, precision="f32", upscaler="lanczos")
    [native] = learned.generate("a red boat", seed=3)
    np.testing.assert_array_equal(plain.generate("a red boat", seed=3)[0].pixels_HWC, native.pixels_HWC)
    [resampled] = plain.generate("a red boat", seed=3, size=(512, 512))
    np.testing.assert_array_equal(resampled.pixels_HWC, fit(native.pixels_HWC, (512, 512)))
    [finer] = learned.generate("a red boat", seed=3, size=(512, 512))
    assert (finer.pixels_HWC != resampled.pixels_HWC).any()


def test_outside_the_mask_nothing_changes_in_large_pictures(learned: Pipeline, noise: Pixels) -> None:
    """To the bit, while what is drawn inside is enlarged."""
    source = fit(noise, (600, 400))
    mask_HW = np.zeros((400, 600), np.bool_)
    mask_HW[:, :300] = True
    [edited] = learned.generate("a red boat", image=source, mask=mask_HW, seed=1)
    np.testing.assert_array_equal(edited.pixels_HWC[:, 300:], source[:, 300:])
    assert (edited.pixels_HWC[:, :300] != source[:, :300]).mean() > 0.5


def test_the_trace_tells_how_large_the_upscaler_made_it(learned: Pipeline) -> None:
    """Its third layer names the factor; 1 at the native size."""
    for size, times in ((None, 1), ((300, 300), 2)):
        [picture] = learned.generate("a red boat", seed=1, steps=1, size=size, trace=True)
        assert picture.trace is not None
        assert picture.trace.image_decoding["upscaled"] == times
        assert picture.trace.image_generation["shape"] == [256, 256, 3]


def test_a_wide_picture_is_all_that_was_drawn() -> None:
    """1792x1024 is drawn as 448x256 and enlarged four times: what is at the sides is there, to the bit."""
    pipeline = Pipeline(Repeating())
    for (width, height), times in (((448, 256), 4), ((256, 448), 4), ((384, 256), 2)):
        [drawn] = pipeline.generate("a red boat", seed=3, size=(width, height))
        [large] = pipeline.generate("a red boat", seed=3, size=(times * width, times * height))
        np.testing.assert_array_equal(large.pixels_HWC, drawn.pixels_HWC.repeat(times, 0).repeat(times, 1))


def test_an_engine_may_lack_it() -> None:
    """An engine without an upscaler, like those of other people, draws in any size all the same."""
    engine: Engine = FakeEngine()
    [picture] = Pipeline(engine).generate("a red boat", seed=1, size=(512, 300))
    assert picture.pixels_HWC.shape == (300, 512, 3)
