"""A family without an adapter is drawn by its own pipeline, whole pictures at a time, and says what is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from limner.batching.events import Failed, Finished
from limner.batching.plain import PlainLoop
from limner.diffusion.noise import picture_seed
from limner.engines import diffusers
from limner.engines.base import EngineOptions
from limner.engines.families.whole import WholePipeline
from limner.errors import CancelledError, EngineError, InvalidRequestError, ModelError
from limner.pipeline import Pipeline
from limner.types import ImageRequest
from tests.batching.helpers import run_dry
from tests.engines import tiny_diffusers as tiny


@pytest.fixture(scope="module")
def pipe() -> Any:
    """A latent consistency model."""
    return tiny.latent_consistency()


@pytest.fixture
def pipeline(pipe: Any) -> Pipeline:
    """Limner's pipeline around it."""
    return Pipeline(WholePipeline("tiny", pipe))


def test_a_family_without_an_adapter_is_opened(pipe: Any, tmp_path: Any) -> None:
    """Its picture has the checkpoint's size, its defaults are the pipeline's, and what is lost is told."""
    pipe.save_pretrained(tmp_path / "lcm")
    able = diffusers.load(tmp_path / "lcm", EngineOptions()).capabilities
    assert (able.model, able.picture_size) == ("lcm", (16, 16))
    assert (able.default_steps, able.default_guidance) == (4, 8.5)
    assert any("one at a time" in each for each in able.lost)


def test_a_picture_is_the_pipelines_own(pipeline: Pipeline, pipe: Any) -> None:
    """The same seed, steps and guidance; each picture its own generator."""
    told: list[tuple[int, int]] = []
    drawn = pipeline.generate(
        "a red boat", seed=3, n=2, steps=3, guidance=2.0, on_step=lambda *step: told.append(step)
    )
    for index, picture in enumerate(drawn):
        generator = torch.Generator().manual_seed(picture_seed(3, index))
        theirs = pipe(
            "a red boat", num_inference_steps=3, guidance_scale=2.0, generator=generator, output_type="np"
        ).images[0]
        assert np.abs(picture.pixels_HWC - 255 * theirs).max() <= 1
    assert told == [(3, 3)]


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"image": np.zeros((16, 16, 3), np.uint8)}, "image"),
        ({"sampler": "dpmpp_2m"}, "sampler"),
        ({"trace": True}, "trace"),
        ({"negative_prompt": "rain"}, "negative_prompt"),
    ],
)
def test_what_is_lost_is_refused(pipeline: Pipeline, asked: dict[str, Any], param: str) -> None:
    """By name, never passed over."""
    with pytest.raises(InvalidRequestError) as caught:
        pipeline.generate("a boat", seed=1, steps=2, **asked)
    assert caught.value.param == param


def test_one_step_cannot_be_asked_for(pipeline: Pipeline) -> None:
    """There is no estimate on the way."""
    engine = pipeline.engine
    x_BChw = np.zeros((1, *engine.capabilities.latent_shape), np.float32)
    with pytest.raises(EngineError, match="whole pictures"):
        engine.denoise(x_BChw, np.ones(1, np.float32), engine.encode(["a boat"]), np.ones(1, np.float32))


def test_a_loop_draws_with_it(pipeline: Pipeline) -> None:
    """One picture at a time, and each with its own seed."""
    heard: list[Any] = []
    loop = PlainLoop(pipeline)
    loop.submit(ImageRequest(prompt="a boat", seed=1, n=2, steps=2), listener=heard.append)
    run_dry(loop)
    [finished] = [event for event in heard if isinstance(event, Finished)]
    alone = pipeline.generate("a boat", seed=1, n=2, steps=2)
    for one, other in zip(finished.pictures, alone, strict=True):
        np.testing.assert_array_equal(one.pixels_HWC, other.pixels_HWC)


def test_a_picture_that_nobody_wants_is_not_drawn_to_its_end(pipeline: Pipeline, pipe: Any) -> None:
    """It is cancelled while its pipeline is between two steps."""
    heard: list[Any] = []
    loop = PlainLoop(pipeline)
    job = loop.submit(ImageRequest(prompt="a boat", seed=1, steps=8), listener=heard.append)
    looks: list[int] = []

    def look(*_: Any) -> None:
        looks.append(1)
        if len(looks) == 2:
            job.cancel()

    hook = pipe.unet.register_forward_hook(look)
    run_dry(loop)
    hook.remove()
    assert len(looks) == 2
    assert [type(event.error) for event in heard if isinstance(event, Failed)] == [CancelledError]


def test_a_pipeline_that_draws_from_something_else_is_refused() -> None:
    """No prompt, no text-to-image model."""

    class Unconditional:
        def __call__(self, num_inference_steps: int = 50) -> None:
            """Draw."""

    with pytest.raises(ModelError, match="draws nothing from a prompt alone"):
        WholePipeline("tiny", Unconditional())
