"""The four stages, end to end, with the engine that needs no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from limner.diffusion.noise import picture_seed
from limner.engines.base import Inpaint
from limner.engines.fake import FakeEngine
from limner.errors import InvalidRequestError, NonFiniteError, PromptWarning
from limner.pipeline import Pipeline
from limner.types import Floats, Reading, SamplerName, Swap, TextFeatures

PUPPY = "A cute puppy playing with a ball in the park"


@pytest.fixture
def pipeline() -> Pipeline:
    """A pipeline that draws gradients at once."""
    return Pipeline(FakeEngine())


class BrokenEngine(FakeEngine):
    """An engine whose network puts out one bad number at the second step."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """As the fake engine, but for one number."""
        x0_BChw = super().denoise(x_BChw, t_B, features, guidance_B, inpaint)
        if t_B[0] < 1.0:
            x0_BChw[0, 0, 0, 0] = self.value
        return x0_BChw


class Choosy(FakeEngine):
    """An engine that knows no wolves."""

    def read(self, prompt: str) -> Reading:
        """Dogs for wolves."""
        swap = Swap(word="wolf", read_as="dog", nearest="dog", distance=0.3)
        return Reading(text=prompt.replace("wolf", "dog"), swaps=(swap,) if "wolf" in prompt else ())


def test_what_was_drawn_instead_is_told() -> None:
    """A prompt with a word that the model does not know draws what was read in its place, and says so.

    A negative prompt is taken as it is.
    """
    pipeline = Pipeline(Choosy())
    [wolf] = pipeline.generate("a wolf on the beach", seed=1, negative_prompt="wolf", guidance=2, trace=True)
    [dog] = pipeline.generate("a dog on the beach", seed=1, negative_prompt="wolf", guidance=2)
    assert (wolf.pixels_HWC == dog.pixels_HWC).all()
    assert (wolf.prompt, wolf.revised_prompt) == ("a wolf on the beach", "a dog on the beach")
    assert dog.revised_prompt is None
    assert wolf.trace is not None
    told = {"word": "wolf", "read_as": "dog", "nearest": "dog", "distance": 0.3, "why": ""}
    assert wolf.trace.text_encoding["swaps"] == [told]


def test_a_prompt_becomes_a_picture(pipeline: Pipeline) -> None:
    """One prompt, one tensor of 256 x 256 x 3, one PNG file; the picture knows where it came from."""
    [picture] = pipeline.generate(PUPPY, seed=7)
    assert picture.pixels_HWC.shape == (256, 256, 3)
    assert picture.pixels_HWC.dtype == np.uint8
    assert picture.to_bytes().startswith(b"\x89PNG")
    assert (picture.seed, picture.prompt, picture.model) == (7, PUPPY, "fake")
    assert picture.trace is None


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_the_same_prompt_and_seed_give_the_same_file(pipeline: Pipeline, sampler: SamplerName) -> None:
    """Twice the same call, twice the same bytes; another seed, another picture."""
    first, second, other = (pipeline.generate(PUPPY, seed=s, sampler=sampler)[0] for s in (7, 7, 8))
    assert first.to_bytes() == second.to_bytes()
    assert not np.array_equal(first.pixels_HWC, other.pixels_HWC)


def test_each_of_n_pictures_is_drawn_again_alone_by_its_seed(pipeline: Pipeline) -> None:
    """The seed that a picture reports gives its very bytes, without the others."""
    pictures = pipeline.generate(PUPPY, n=4, seed=7)
    assert [picture.seed for picture in pictures] == [picture_seed(7, index) for index in range(4)]
    for picture in pictures:
        [alone] = pipeline.generate(PUPPY, seed=picture.seed)
        assert alone.to_bytes() == picture.to_bytes()


def test_without_a_seed_one_is_drawn_and_reported(pipeline: Pipeline) -> None:
    """Two calls give two pictures, and each reported seed gives its picture again."""
    [one], [other] = pipeline.generate(PUPPY), pipeline.generate(PUPPY)
    assert one.seed != other.seed
    assert pipeline.generate(PUPPY, seed=one.seed)[0].to_bytes() == one.to_bytes()


@pytest.mark.parametrize("size", [(16, 16), (300, 200), (512, 512)])
def test_the_picture_has_exactly_the_size_asked_for(pipeline: Pipeline, size: tuple[int, int]) -> None:
    """Size is (width, height) in pixels, smaller or larger than the model's own."""
    [picture] = pipeline.generate(PUPPY, seed=7, size=size)
    assert picture.pixels_HWC.shape == (size[1], size[0], 3)


def test_steps_and_guidance_are_honoured(pipeline: Pipeline) -> None:
    """Each of them changes the picture, and their defaults are the model's own."""
    [plain] = pipeline.generate(PUPPY, seed=7)
    [stated] = pipeline.generate(PUPPY, seed=7, steps=4, guidance=1.0)
    assert stated.to_bytes() == plain.to_bytes()
    for [other] in (
        pipeline.generate(PUPPY, seed=7, steps=9),
        pipeline.generate(PUPPY, seed=7, guidance=3.0),
    ):
        assert not np.array_equal(other.pixels_HWC, plain.pixels_HWC)


def test_progress_is_told_after_each_step(pipeline: Pipeline) -> None:
    """`on_step` hears how many steps are made, of how many."""
    heard: list[tuple[int, int]] = []
    pipeline.generate(PUPPY, n=2, steps=3, on_step=lambda *step: heard.append(step))
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_seconds_are_told_per_stage(pipeline: Pipeline) -> None:
    """Three stages that compute, and their sum."""
    [picture] = pipeline.generate(PUPPY, seed=7)
    stages = [picture.timings[name] for name in ("text_encoding", "image_generation", "image_decoding")]
    assert min(stages) > 0
    assert picture.timings["total"] == pytest.approx(sum(stages))


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a" * 33_000}, "prompt"),
        ({"prompt": "a puppy\x00"}, "prompt"),
        ({"prompt": "a \x1b[31mpuppy"}, "prompt"),
        ({"prompt": "a \ud83d puppy"}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": b"a puppy"}, "prompt"),
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"size": (0, 0)}, "size"),
        ({"size": (256, 100_000)}, "size"),
        ({"steps": 0}, "steps"),
        ({"guidance": 0.5}, "guidance"),
        ({"guidance": float("nan")}, "guidance"),
        ({"sampler": "heun"}, "sampler"),
        ({"format": "gif"}, "format"),
    ],
)
def test_bad_input_is_refused_by_name(pipeline: Pipeline, arguments: dict[str, Any], param: str) -> None:
    """Each argument out of its range raises an error that names it, before anything is computed."""
    with pytest.raises(InvalidRequestError) as caught:
        pipeline.generate(**({"prompt": PUPPY} | arguments))
    assert caught.value.param == param


@pytest.mark.parametrize(
    "prompt", ["🐶🎾", "كلب صغير يلعب بالكرة", "小狗在公园", "a puppy\nand\ta ball", "x"]
)
def test_any_script_is_drawn(pipeline: Pipeline, prompt: str) -> None:
    """Emoji, right-to-left text, line breaks and a single letter are prompts like any other."""
    [picture] = pipeline.generate(prompt, seed=7)
    assert picture.prompt == prompt
    assert picture.to_bytes("jpeg")


def test_what_was_not_read_is_told(pipeline: Pipeline) -> None:
    """A prompt that is longer than the window is drawn with a warning that says where reading stopped."""
    prompt = " ".join(["boat"] * 46 + ["lighthouse", "far", "away"])
    with pytest.warns(PromptWarning, match="'lighthouse far away'"):
        [picture] = pipeline.generate(prompt, seed=7, trace=True)
    assert picture.trace is not None
    assert picture.trace.text_encoding["unread"] == "lighthouse far away"


def test_the_longest_prompt_is_taken(pipeline: Pipeline) -> None:
    """32,000 characters are a prompt; most of them go unread, which is told."""
    with pytest.warns(PromptWarning):
        assert pipeline.generate("cat " * 8_000, seed=7)


@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_number_never_becomes_a_picture(value: float, *, trace: bool) -> None:
    """NaN or infinity from the engine is an error, at the step where it comes up."""
    with pytest.raises(NonFiniteError, match="step 2 of 4"):
        Pipeline(BrokenEngine(value)).generate(PUPPY, n=2, seed=7, trace=trace)
