"""What a model knows by name, from the captions that it was trained on and the table of concepts.

Axes in names: K names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from limner.network.text_encoder import TextEncoder
from limner.text.lexicon import Lexicon
from limner.text.tokenizer import Tokenizer
from limner.text.vocabulary import Vocabulary, as_phrase
from limner.text.words import phrase_of
from limner.training.scenes.concepts import COLOURS, Concept, load_concepts
from limner.training.scenes.places import Place, load_places
from limner.training.scenes.wording import Wording, load_wording

__all__ = ["build_vocabulary", "lexicon_of"]

# A word that stands in fewer captions has hardly been learned.
_SELDOM = 20
# No caption tells of it, because every picture has it.
_ALWAYS_THERE = frozenset({"air", "ground", "outdoors", "outside", "sky"})


def lexicon_of(captions: Iterable[str], data: Path) -> Lexicon:
    """What captions are made of that were composed from the tables of a data folder.

    Raises:
        DataError: a table is missing or wrong.
    """
    concepts, places = load_concepts(data / "concepts.csv"), load_places(data / "places.toml")
    wording = load_wording(data / "wording.toml")
    # Day is what is meant when nothing is said.
    lights = [name for name in wording.conditions if name != "day"]
    others = [*COLOURS, *(place.name for place in places), *lights]
    sizes = {word: "size" for words in wording.sizes.values() for word in words}
    return Lexicon(
        words=_words_of(captions, concepts),
        names=tuple(
            dict.fromkeys([*((one.noun, one.plural) for one in concepts), *((name, name) for name in others)])
        ),
        things={phrase_of(name): concept.noun for concept in concepts for name in _called(concept)},
        qualities=dict.fromkeys(COLOURS, "colour") | sizes,
        unpaintable={
            one.noun: " ".join(look for look in one.looks if look in COLOURS)
            for one in concepts
            if not one.recolour
        },
        relations=frozenset(
            phrase_of(words) for relation in wording.relations.values() for words in relation
        ),
        settings=frozenset(map(phrase_of, [*_of_places(places), *_of_light(wording), *_of_styles(wording)])),
    )


def _words_of(captions: Iterable[str], concepts: Iterable[Concept]) -> frozenset[str]:
    """The words that captions say often enough, and all that the table of concepts has."""
    counts = Counter(word for caption in captions for word in set(_words(caption)))
    often = {word for word, count in counts.items() if count >= _SELDOM}
    called = (name for concept in concepts for name in (*concept.also, *_called(concept)))
    return _ALWAYS_THERE.union(often, *map(_words, called))


def _called(concept: Concept) -> Iterator[str]:
    """All names for one and for several of it."""
    for names in ((concept.noun, concept.plural), *concept.synonyms):
        yield from names


def _of_places(places: Iterable[Place]) -> Iterator[str]:
    for place in places:
        yield from (place.name, *place.phrases)


def _of_light(wording: Wording) -> Iterator[str]:
    for condition in wording.conditions.values():
        yield from (condition.keyword, *condition.phrases, *condition.sheltered)


def _of_styles(wording: Wording) -> Iterator[str]:
    for style in wording.styles.values():
        yield from filter(None, (style.keyword, *style.openings, *style.endings))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


@torch.no_grad()
def build_vocabulary(encoder: TextEncoder, tokenizer: Tokenizer, lexicon: Lexicon) -> Vocabulary:
    """Place every name of a lexicon in the text-image space by the text encoder."""
    texts = [tokenizer.encode(as_phrase(one)) for one, _ in lexicon.names]
    ids_KT, mask_KT = (np.stack([getattr(text, part) for text in texts]) for part in ("ids_T", "mask_T"))
    _, vectors_KV = encoder(torch.from_numpy(ids_KT), torch.from_numpy(mask_KT))
    return Vocabulary.of(lexicon, vectors_KV.numpy())
