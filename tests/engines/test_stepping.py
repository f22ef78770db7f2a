"""One network call serves pictures at different times, with different prompts."""

from __future__ import annotations

import numpy as np
import pytest

from limner.diffusion.inpaint import KnownRegion
from limner.diffusion.noise import noise
from limner.diffusion.rendering import Rendering
from limner.diffusion.schedule import timesteps
from limner.engines.fake import FakeEngine
from limner.engines.stepping import step_together
from limner.types import Floats, SamplerName

SHAPE = (3, 8, 8)


def begin(engine: FakeEngine, seed: int, steps: int, sampler: SamplerName = "euler") -> Rendering:
    """A picture of a prompt of its own."""
    [features] = engine.encode([f"{seed} boats"])
    return Rendering(
        seed=seed,
        shape=SHAPE,
        features=features,
        times=timesteps(steps),
        guidance=1.0 + seed,
        sampler=sampler,
    )


def finish(engine: FakeEngine, *renderings: Rendering) -> list[Floats]:
    """Step them together until all are done."""
    while waiting := [rendering for rendering in renderings if not rendering.done]:
        step_together(engine, waiting)
    return [rendering.x_Chw for rendering in renderings]


def test_a_picture_is_the_same_alone_and_in_a_mixed_crowd() -> None:
    """Other steps, samplers, prompts and guidances beside it change no bit of it."""
    engine = FakeEngine()
    [alone] = finish(engine, begin(engine, 1, 7, "dpmpp_2m"))
    crowd = [begin(engine, 0, 3), begin(engine, 1, 7, "dpmpp_2m"), begin(engine, 2, 9)]
    np.testing.assert_array_equal(finish(engine, *crowd)[1], alone)


def test_a_look_tells_where_the_pictures_stood() -> None:
    """Times and noisy pictures are those before the step, the estimates those that it went towards."""
    engine = FakeEngine()
    rendering = begin(engine, 1, 1)
    look = step_together(engine, [rendering])
    assert look.t_B.tolist() == [1.0]
    np.testing.assert_array_equal(look.x_BChw[0], noise(1, SHAPE))
    np.testing.assert_array_equal(look.x0_BChw[0], rendering.x_Chw)


@pytest.mark.parametrize("others", [0, 2])
def test_known_regions_are_each_pictures_own(others: int) -> None:
    """A picture of which something is known can stand beside pictures of which nothing is."""
    engine = FakeEngine()
    region = KnownRegion(known_Chw=noise(9, SHAPE), mask_1hw=np.ones((1, 8, 8), np.float32))
    known = begin(engine, 1, 4)
    known.known = region
    crowd = [begin(engine, 10 + i, 4) for i in range(others)]
    arrived, *drawn = finish(engine, known, *crowd)
    np.testing.assert_array_equal(arrived, region.known_Chw)
    for i, x_Chw in enumerate(drawn):
        np.testing.assert_array_equal(x_Chw, finish(engine, begin(engine, 10 + i, 4))[0])
