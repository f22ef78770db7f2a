"""The plain loop: one job at a time, one picture at a time, and the same pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from limner.batching.base import Loop
from limner.batching.events import Finished, Preview
from limner.batching.loop import DeviceLoop
from limner.batching.plain import PlainLoop
from limner.engines.base import Engine, EngineOptions
from limner.engines.fake import FakeEngine
from limner.engines.registry import create_engine
from limner.engines.stepping import step_together
from limner.errors import EngineError
from limner.pipeline import Pipeline
from limner.types import ImageRequest
from tests.batching.helpers import Ear, TestEngine, alone, ask, run_dry

SOURCE_HWC = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
MASK_HW = np.arange(48 * 64).reshape(48, 64) % 64 < 32

# Any mix of steps, guidance, samplers, sizes and sources.
REQUESTS = (
    ImageRequest(prompt="a cute puppy", n=3, seed=1),
    ImageRequest(prompt="a red boat at night", steps=7, sampler="dpmpp_2m", seed=2),
    ImageRequest(prompt="three cats", steps=2, guidance=4.0, negative_prompt="a dog", seed=3),
    ImageRequest(prompt="a ball", steps=5, guidance=2.0, size=(100, 40), n=2, seed=4),
    ImageRequest(prompt="a tree", steps=5, image_HWC=SOURCE_HWC, mask_HW=MASK_HW, seed=5),
    ImageRequest(prompt="", steps=6, image_HWC=SOURCE_HWC, sampler="dpmpp_2m", seed=6),
    ImageRequest(prompt="a cute puppy", steps=1, seed=7),
    ImageRequest(prompt="a boat", n=2, steps=5, size=(16, 24), seed=8),
    ImageRequest(prompt="a boat", n=2, steps=3, size=(24, 16), guidance=2.0, seed=9),
)


@pytest.fixture(params=["fake", "tiny_folder", "shaped_folder"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """The engine that needs no model, and the one that ships, with tiny ones of one shape and of several."""
    if request.param == "fake":
        return FakeEngine()
    folder: Path = request.getfixturevalue(request.param)
    return create_engine("openvino", folder, EngineOptions(threads=1))


def drawn(loop: Loop, requests: tuple[ImageRequest, ...], *, every: int = 0) -> list[list[bytes]]:
    """Each request's pixels; a request comes every so many ticks."""
    ears = []
    for request in requests:
        ears.append(Ear())
        loop.submit(request, listener=ears[-1])
        for _ in range(every):
            loop.tick()
    run_dry(loop)
    return [ear.pixels for ear in ears]


def test_the_same_pictures_alone_and_in_any_company(engine: Engine) -> None:
    """To the byte: from the library, from the plain loop, and in batches of two compositions."""
    expected = [alone(request, engine) for request in REQUESTS]
    assert drawn(PlainLoop(Pipeline(engine)), REQUESTS) == expected
    for every in (0, 2):
        assert drawn(DeviceLoop(Pipeline(engine)), REQUESTS, every=every) == expected
    turned = drawn(DeviceLoop(Pipeline(engine)), REQUESTS[::-1], every=1)
    assert turned[::-1] == expected


def test_the_files_are_the_same_to_the_byte() -> None:
    """Seed, prompt and model are in the picture, and so in its PNG."""
    request = REQUESTS[0]
    files = []
    for loop in (PlainLoop(Pipeline(FakeEngine())), DeviceLoop(Pipeline(FakeEngine()))):
        ear = Ear()
        loop.submit(request, listener=ear)
        run_dry(loop)
        last = ear.events[-1]
        assert isinstance(last, Finished)
        files.append([picture.to_bytes() for picture in last.pictures])
    library = Pipeline(FakeEngine()).generate("a cute puppy", n=3, seed=1)
    assert files == [[picture.to_bytes() for picture in library]] * 2


def test_one_picture_at_a_time() -> None:
    """No engine call draws two, and a job is finished before the next one begins."""
    engine = TestEngine()
    loop = PlainLoop(Pipeline(engine))
    for prompt in ("a", "b"):
        ask(loop, prompt, steps=2, n=2)
    run_dry(loop)
    assert engine.batches == [["a"]] * 4 + [["b"]] * 4


@pytest.mark.parametrize("kind", [PlainLoop, DeviceLoop])
def test_previews_are_the_same(kind: Callable[[Pipeline], Loop]) -> None:
    """What is shown on the way does not depend on who draws it."""
    engine, request = TestEngine(), ImageRequest(prompt="a boat", steps=9, seed=1)
    pipeline, ear = Pipeline(engine), Ear()
    loop = kind(pipeline)
    loop.submit(request, previews=3, listener=ear)
    ask(loop, "another")
    run_dry(loop)
    renderings = pipeline.start(request, pipeline.encode_text(request))
    seen = [engine.decode(step_together(engine, renderings).x0_BChw)[0].tobytes() for _ in range(9)]
    shown = [event.pixels_HWC.tobytes() for event in ear.events if isinstance(event, Preview)]
    assert shown == [seen[1], seen[3], seen[6]]


def test_a_failing_job_does_not_stop_the_next() -> None:
    """The plain loop, too, answers everyone."""
    loop = PlainLoop(Pipeline(TestEngine()))
    (_, bad), (_, good) = ask(loop, "poison"), ask(loop, "good")
    run_dry(loop)
    assert isinstance(bad.error, EngineError)
    assert good.pixels
