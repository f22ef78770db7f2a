"""What a model knows by name, from the captions that it was trained on and the table of concepts.

Axes in names: K names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from limner.network.text_encoder import TextEncoder
from limner.text.tokenizer import Tokenizer
from limner.text.vocabulary import Name, Vocabulary, as_phrase
from limner.training.scenes.concepts import COLOURS, load_concepts
from limner.training.scenes.places import load_places
from limner.training.scenes.wording import load_wording

__all__ = ["build_vocabulary", "names_of_things", "words_of"]

# A word that stands in fewer captions has hardly been learned.
_SELDOM = 20
# No caption tells of it, because every picture has it.
_ALWAYS_THERE = frozenset({"air", "ground", "outdoors", "outside", "sky"})


def words_of(captions: Iterable[str], data: Path) -> frozenset[str]:
    """The words, in lower case, that captions say often enough, and all that the table of concepts has."""
    counts = Counter(word for caption in captions for word in set(_words(caption)))
    often = {word for word, count in counts.items() if count >= _SELDOM}
    return _ALWAYS_THERE.union(often, *map(_words, _called(data)))


def _called(data: Path) -> Iterator[str]:
    for concept in load_concepts(data / "concepts.csv"):
        yield from concept.also
        for one, several in ((concept.noun, concept.plural), *concept.synonyms):
            yield f"{one} {several}"


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def names_of_things(data: Path) -> tuple[Name, ...]:
    """All that can stand in for another word: things, colours, places, lights and weathers.

    Raises:
        DataError: a table is missing or wrong.
    """
    things = [(concept.noun, concept.plural) for concept in load_concepts(data / "concepts.csv")]
    places = [place.name for place in load_places(data / "places.toml")]
    conditions = [name for name in load_wording(data / "wording.toml").conditions if name != "day"]
    others = [*COLOURS, *places, *conditions]  # day is what is meant when nothing is said
    return tuple(dict.fromkeys([*things, *((name, name) for name in others)]))


@torch.no_grad()
def build_vocabulary(
    encoder: TextEncoder, tokenizer: Tokenizer, words: frozenset[str], names: Sequence[Name]
) -> Vocabulary:
    """Place every name in the text-image space by the text encoder."""
    texts = [tokenizer.encode(as_phrase(one)) for one, _ in names]
    ids_KT, mask_KT = (np.stack([getattr(text, part) for text in texts]) for part in ("ids_T", "mask_T"))
    _, vectors_KV = encoder(torch.from_numpy(ids_KT), torch.from_numpy(mask_KT))
    return Vocabulary.of(words, names, vectors_KV.numpy())
