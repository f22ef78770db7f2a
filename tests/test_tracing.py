"""A trace tells the real numbers of its picture, and changes none of them."""

from __future__ import annotations

import hashlib
import itertools
import json

import numpy as np
import pytest

from limner.diffusion.noise import noise
from limner.engines.fake import FakeEngine
from limner.imaging.picture import Picture
from limner.imaging.resize import fit
from limner.pipeline import Pipeline
from limner.types import FileFormat, Trace

PROMPT = "the red boat and the blue boat"


@pytest.fixture
def pipeline() -> Pipeline:
    """A pipeline that draws gradients at once."""
    return Pipeline(FakeEngine())


def traced(pipeline: Pipeline) -> tuple[Picture, Trace]:
    """The second of two pictures, and its trace."""
    picture = pipeline.generate(PROMPT, n=2, seed=5, steps=6, guidance=2.0, size=(64, 56), trace=True)[1]
    assert picture.trace is not None
    return picture, picture.trace


def test_tracing_changes_no_byte(pipeline: Pipeline) -> None:
    """The same call with and without a trace gives the same files."""
    plain, told = (pipeline.generate(PROMPT, n=3, seed=5, trace=trace) for trace in (False, True))
    assert [picture.to_bytes() for picture in plain] == [picture.to_bytes() for picture in told]


def test_text_encoding_tells_words_tokens_and_the_vector(pipeline: Pipeline) -> None:
    """The first layer: the prompt, its tokens, its words' spans and the 1024 numbers."""
    _, trace = traced(pipeline)
    [features] = pipeline.engine.encode([PROMPT])
    layer = trace.text_encoding
    assert (layer["prompt"], layer["shape"], layer["unread"]) == (PROMPT, [1024], "")
    assert layer["tokens"] == ["[start]", *PROMPT.split(), "[end]"]
    assert layer["words"][1] == {"word": "red", "start": 2, "stop": 3}
    assert layer["vector"] == features.vector_D.tolist()


def test_image_generation_tells_each_step(pipeline: Pipeline) -> None:
    """The second layer: sampler, seed, times, and per step the moments of what the network saw and said."""
    picture, trace = traced(pipeline)
    layer, start = trace.image_generation, noise(picture.seed, (3, 8, 8))
    assert (layer["sampler"], layer["seed"], layer["guidance"]) == ("euler", picture.seed, 2.0)
    assert layer["timesteps"] == pytest.approx([1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0])
    assert layer["shape"] == [256, 256, 3]
    assert [step["step"] for step in layer["steps"]] == [0, 1, 2, 3, 4, 5]
    assert [step["t_next"] for step in layer["steps"]] == layer["timesteps"][1:]
    assert layer["steps"][0]["x_mean"] == pytest.approx(float(start.mean()))
    assert layer["steps"][0]["x_std"] == pytest.approx(float(start.std()))


def test_a_step_can_be_recomputed_from_the_trace(pipeline: Pipeline) -> None:
    """The means obey the sampler's equation: x' = (t' / t) x + (1 - t' / t) x0."""
    _, trace = traced(pipeline)
    steps = trace.image_generation["steps"]
    for now, later in itertools.pairwise(steps):
        ratio = now["t_next"] / now["t"]
        expected = ratio * now["x_mean"] + (1 - ratio) * now["x0_mean"]
        assert later["x_mean"] == pytest.approx(expected, abs=1e-6)


def test_image_decoding_tells_of_the_very_file(pipeline: Pipeline) -> None:
    """The third layer: shape, length and hash are those of the file that the picture writes."""
    picture, trace = traced(pipeline)
    data, layer = picture.to_bytes("png"), trace.image_decoding
    assert (layer["format"], layer["shape"], layer["bytes"]) == ("png", [56, 64, 3], len(data))
    assert layer["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_the_file_is_of_the_format_asked_for(pipeline: Pipeline, name: FileFormat) -> None:
    """`format` names the file that the third layer measures."""
    [picture] = pipeline.generate(PROMPT, seed=5, trace=True, format=name)
    assert picture.trace is not None
    assert picture.trace.image_decoding["format"] == name
    assert picture.trace.image_decoding["bytes"] == len(picture.to_bytes(name))


def test_there_is_a_preview_of_each_step(pipeline: Pipeline) -> None:
    """Each is 64 x 64, and the last is the picture itself, made small."""
    [picture] = pipeline.generate(PROMPT, seed=5, steps=6, trace=True)
    assert picture.trace is not None
    assert [preview.shape for preview in picture.trace.previews] == [(64, 64, 3)] * 6
    np.testing.assert_array_equal(picture.trace.previews[-1], fit(picture.pixels_HWC, (64, 64)))


def test_a_wide_picture_is_told_wide(pipeline: Pipeline) -> None:
    """Tensor, previews and maps have the shape in which it was drawn."""
    [picture] = pipeline.generate(PROMPT, seed=5, size=(1792, 1024), trace=True)
    assert picture.trace is not None
    assert picture.trace.image_generation["shape"] == [256, 448, 3]
    assert {preview.shape for preview in picture.trace.previews} == {(37, 64, 3)}
    assert {map_HW.shape for map_HW in picture.trace.attention.values()} == {(8, 14)}


def test_attention_tells_where_each_word_drew(pipeline: Pipeline) -> None:
    """One map per word, of no negative numbers, summing to 1; a word said twice has one map."""
    _, trace = traced(pipeline)
    assert list(trace.attention) == ["the", "red", "boat", "and", "blue"]
    for map_HW in trace.attention.values():
        assert map_HW.min() >= 0
        assert map_HW.sum() == pytest.approx(1.0, abs=1e-5)
    assert not np.allclose(trace.attention["red"], trace.attention["blue"])


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_few_steps_have_attention_too(pipeline: Pipeline, steps: int) -> None:
    """However few the steps, one of them is in the middle."""
    [picture] = pipeline.generate("boat", seed=5, steps=steps, trace=True)
    assert picture.trace is not None
    assert list(picture.trace.attention) == ["boat"]


def test_words_that_were_not_read_drew_nothing(pipeline: Pipeline) -> None:
    """A word beyond the window has no map."""
    with pytest.warns(UserWarning, match="lighthouse"):
        [picture] = pipeline.generate("boat " * 46 + "lighthouse", seed=5, trace=True)
    assert picture.trace is not None
    assert list(picture.trace.attention) == ["boat"]


def test_the_seconds_add_up_to_the_pictures(pipeline: Pipeline) -> None:
    """The layers' seconds are the picture's timings; the last adds the writing of the file."""
    picture, trace = traced(pipeline)
    assert trace.text_encoding["seconds"] == picture.timings["text_encoding"]
    assert trace.image_generation["seconds"] == picture.timings["image_generation"]
    assert trace.image_decoding["seconds"] > picture.timings["image_decoding"]


def test_a_trace_is_plain_json(pipeline: Pipeline) -> None:
    """It can be written down and read back without loss."""
    told = traced(pipeline)[1].to_json()
    assert json.loads(json.dumps(told)) == told
