"""What the model that ships makes of prompts that no picture can show, and of others that it must not misread."""

from __future__ import annotations

import pytest

from limner.models import find
from limner.text.lexicon import Lexicon
from limner.text.limits import within_limits
from limner.text.vocabulary import VOCABULARY, Vocabulary
from limner.training.dataset import load_vocabulary
from limner.training.scenes.captions import caption
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.spec import SceneSampler, scene_random


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    """The shipped model's."""
    return Vocabulary.load(find("limner-2") / VOCABULARY).lexicon


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a red blue car", "a blue car"),
        ("a park with no dog", "a park"),
        ("no dog", ""),
        ("a pink elephant next to a gray elephant", "an elephant next to a gray elephant"),
        ("a dog, a cat, a horse, a bird and a fish in the park", "a dog, a cat in the park"),
        ("a boy, a girl and a dog playing with a ball on the beach", "a boy, a girl on the beach"),
        ("a puppy and a kitten under the stars with a ball", "a puppy and a kitten under the stars"),
    ],
)
def test_what_cannot_be_drawn_is_left_out(lexicon: Lexicon, prompt: str, text: str) -> None:
    """A second colour, what is denied, and kinds of things from the third on."""
    assert within_limits(lexicon, prompt).text == text


@pytest.mark.parametrize(
    "prompt",
    [
        "A cute puppy playing with a ball in the park",
        "an astronaut riding a horse, in flat vector style",
        "a cartoon sticker of 5 lemons on the bathroom floor",
        "three orange cats and a black dog among the trees at sunrise",
        "a polar bear in between two christmas trees while it is snowing",
        "a hot dog to the left of two slices of pizza in the kitchen during the day",
        "dog, ball, park, sunny, 3d render",
    ],
)
def test_what_can_be_drawn_is_left_alone(lexicon: Lexicon, prompt: str) -> None:
    """Places, lights and styles with things in their names are no things, and long names are one thing."""
    assert within_limits(lexicon, prompt).text == prompt


def test_no_caption_that_it_was_taught_is_cut(lexicon: Lexicon) -> None:
    """Whatever the composer can show and say is within the limits."""
    taught = load_vocabulary(data_folder())
    sampler = SceneSampler(taught)
    for index in range(500):
        told = caption(sampler.sample(0, index), taught.wording, scene_random(1, index))
        assert within_limits(lexicon, told).text == told
