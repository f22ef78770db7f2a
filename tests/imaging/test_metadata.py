"""`limner.imaging.metadata`: prompt, seed and model into files and out again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from limner.errors import ImageInputError, InvalidRequestError
from limner.imaging import Metadata, encode, read_metadata, read_pixels
from limner.types import MAX_PROMPT_CHARACTERS, MAX_SEED, FileFormat
from tests.imaging.samples import file_of, smooth, steady

FORMATS: list[FileFormat] = ["png", "jpeg", "webp"]
every_format = pytest.mark.parametrize("file_format", FORMATS)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def with_prompt(prompt: str) -> Metadata:
    """Metadata of a picture of that prompt."""
    return {"prompt": prompt, "seed": MAX_SEED, "model": "limner-s"}


@steady
@given(st.sampled_from(FORMATS), text, st.integers(0, MAX_SEED), text)
def test_any_unicode_survives(file_format: FileFormat, prompt: str, seed: int, model: str) -> None:
    """Any prompt, seed and model come back as they went in, from every format."""
    metadata: Metadata = {"prompt": prompt, "seed": seed, "model": model}
    assert read_metadata(encode(smooth(), file_format, metadata=metadata)) == metadata


@every_format
@pytest.mark.parametrize("character", ["a", "é", "語", "ש", "\n", '"'])
def test_the_longest_prompt_fits(file_format: FileFormat, character: str) -> None:
    """A prompt of 32,000 characters of the basic plane fits into every format."""
    metadata = with_prompt(character * MAX_PROMPT_CHARACTERS)
    assert read_metadata(encode(smooth(), file_format, metadata=metadata)) == metadata


@pytest.mark.parametrize("lead", ["", "a"])
def test_jpeg_cuts_what_does_not_fit_and_says_so(lead: str) -> None:
    """32,000 emoji are too many for a JPEG: whole characters are kept as they fit, and the cut is told."""
    prompt = lead + "🐶" * (MAX_PROMPT_CHARACTERS - 1)
    found = read_metadata(encode(smooth(), "jpeg", metadata=with_prompt(prompt)))
    assert found["prompt_cut"]
    assert prompt.startswith(found["prompt"])
    assert len(found["prompt"]) > 16_000
    assert found["seed"] == MAX_SEED


@pytest.mark.parametrize("file_format", ["png", "webp"])
def test_png_and_webp_never_cut(file_format: FileFormat) -> None:
    """32,000 emoji come back whole from PNG and WebP."""
    metadata = with_prompt("🐶" * MAX_PROMPT_CHARACTERS)
    assert read_metadata(encode(smooth(), file_format, metadata=metadata)) == metadata


@every_format
def test_pixels_do_not_notice(file_format: FileFormat) -> None:
    """Metadata change no pixel, not even by being taken for an orientation."""
    bare, told = encode(smooth(), file_format), encode(smooth(), file_format, metadata=with_prompt("a dog"))
    assert (read_pixels(bare) == read_pixels(told)).all()


@every_format
def test_no_metadata_reads_as_empty(file_format: FileFormat) -> None:
    """A file without metadata gives an empty dictionary."""
    assert read_metadata(encode(smooth(), file_format)) == {}


def test_other_programs_prompts_are_not_ours() -> None:
    """A "prompt" that another program wrote, such as a whole workflow, is not taken for a prompt."""
    info = PngInfo()
    info.add_text("prompt", '{"3": {"class_type": "KSampler"}}')
    assert read_metadata(file_of(Image.fromarray(smooth()), "PNG", pnginfo=info)) == {}


def test_damaged_metadata_are_an_error() -> None:
    """Metadata that claim to be limner's but are not whole are refused, not guessed."""
    info = PngInfo()
    info.add_text("Software", "limner")
    info.add_text("seed", "many")
    with pytest.raises(ImageInputError):
        read_metadata(file_of(Image.fromarray(smooth()), "PNG", pnginfo=info))


@every_format
@pytest.mark.parametrize("param", ["prompt", "model"])
def test_lone_surrogates_are_refused(file_format: FileFormat, param: str) -> None:
    """Text that is no Unicode is refused, naming the field."""
    metadata: Metadata = {"prompt": "dog", "seed": 1, "model": "m"}
    metadata[param] = "a\ud800"  # type: ignore[literal-required]
    with pytest.raises(InvalidRequestError, match="position 1") as caught:
        encode(smooth(), file_format, metadata=metadata)
    assert caught.value.param == param
