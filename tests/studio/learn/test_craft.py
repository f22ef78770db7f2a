"""What is said about prompts is true of what the model was trained on."""

from __future__ import annotations

import re

import pytest

from limner.studio.learn.craft import PAIRS, Pair
from limner.training.scenes.captions import _CONDITION_PHRASES, _NUMBERS, _RELATION_PHRASES
from limner.training.scenes.concepts import COLOURS, data_folder, load_concepts, load_places

LITTLE = {"a", "the", "with", "on", "in", "of", "to"}


def known() -> set[str]:
    """Every word of the captions that the model learned from."""
    concepts = load_concepts(data_folder() / "concepts.csv")
    places = load_places(data_folder() / "places.toml")
    phrases = [phrase for place in places for phrase in place.phrases]
    phrases += [f"{name} {plural}" for c in concepts for name, plural in (*c.synonyms, (c.noun, c.plural))]
    phrases += [
        phrase for said in (*_CONDITION_PHRASES.values(), *_RELATION_PHRASES.values()) for phrase in said
    ]
    phrases += [phrase for said in _NUMBERS.values() for phrase in said]
    return (
        {word for phrase in phrases for word in re.findall(r"[\w-]+", phrase.lower())} | set(COLOURS) | LITTLE
    )


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.about)
def test_pairs_speak_the_models_language(pair: Pair) -> None:
    """Every word of a pair was in the lessons, but for the one that shows what it is like when it was not."""
    strangers = set(re.findall(r"[\w-]+", f"{pair.one} {pair.other}")) - known()
    assert strangers == ({"lighthouse"} if pair.about == "What it cannot know" else set())


def test_it_learned_to_count_to_four() -> None:
    """The advice names the largest number of its lessons."""
    [number] = [pair for pair in PAIRS if pair.about == "Number"]
    assert max(_NUMBERS) == 4
    assert "one to four" in number.look
