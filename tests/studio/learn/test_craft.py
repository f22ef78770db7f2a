"""What is said about prompts is true of what the model was trained on."""

from __future__ import annotations

import re

import pytest

from limner.studio.learn.craft import PAIRS, Pair
from limner.training.dataset import load_vocabulary
from limner.training.scenes.concepts import COLOURS, data_folder

SHIPPED = load_vocabulary(data_folder())
LITTLE = {"a", "the", "with", "on", "in", "of", "to"}


def known() -> set[str]:
    """Every word of the captions that the model learned from."""
    wording = SHIPPED.wording
    phrases = [phrase for place in SHIPPED.places for phrase in place.phrases]
    for concept in SHIPPED.concepts:
        phrases += [word for names in (*concept.synonyms, (concept.noun, concept.plural)) for word in names]
    for said in (*wording.relations.values(), *wording.numbers.values()):
        phrases += said
    for condition in wording.conditions.values():
        phrases += condition.phrases
    return (
        {word for phrase in phrases for word in re.findall(r"[\w-]+", phrase.lower())} | set(COLOURS) | LITTLE
    )


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.about)
def test_pairs_speak_the_models_language(pair: Pair) -> None:
    """Every word of a pair was in the lessons, but for the one that shows what it is like when it was not."""
    strangers = set(re.findall(r"[\w-]+", f"{pair.one} {pair.other}")) - known()
    assert strangers == ({"lighthouse"} if pair.about == "What it cannot know" else set())


def test_it_learned_to_count_to_five() -> None:
    """The advice names the largest number of its lessons."""
    [number] = [pair for pair in PAIRS if pair.about == "Number"]
    assert max(SHIPPED.wording.numbers) == 5
    assert "one to five" in number.look
